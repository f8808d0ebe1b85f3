/**
 * Handles the calls of all vendors. For each call it combines the parts. The protocol decides, and faults may change the result.
 * The lifecycle creates or changes tasks, the ledger records the call, and the vendor returns a response.
 */

import type { Clock } from "./clock.ts";
import type { Dialect, LookupVerb, SubmitVerb } from "./dialect.ts";
import { type ArmedFault, type FaultKind, type Faults, LOOKUP_FAULTS } from "./fault.ts";
import { type Fields, parseFields, texts } from "./json.ts";
import type { LedgerBook, Submission } from "./ledger.ts";
import type { TaskLifecycle } from "./lifecycle.ts";
import { newestOf, pageOf, tasksOfOthers } from "./listing.ts";
import { type Decision, type Draft, decide, type View } from "./protocol.ts";
import { hash32, type Random } from "./random.ts";
import {
  accepted,
  challenge,
  errorsOf,
  json,
  malformedResponse,
  overloaded,
  plain,
  type Refusal,
  refused,
  relayError,
  type SimulatorResponse,
  unknownTask,
  webPage,
} from "./response.ts";
import type { Route } from "./route.ts";
import type { Envelope, Scenario } from "./scenario.ts";
import { blankRow, cut, imagesOf, SUBMIT_FAULTS, type SubmitSteps } from "./submit-step.ts";
import { isEnded, type Task, type TimelineStep, taskAt } from "./task.ts";
import { type Origin, seedOf, type TaskView, toWireTask } from "./wire-format.ts";

/** Result of a call: a response, a closed connection (`drop`), or no response at all (`hang`). */
export type Outcome = SimulatorResponse | "drop" | "hang";

export interface Call {
  dialect: Dialect;
  scenario: Scenario;
  route: Route;
  /** Raw body. Look-ups by GET also pass their `ids` as a JSON body. */
  body: string;
  /** The header `Idempotency-Key`; unset: none. */
  idempotencyKey?: string | undefined;
}

export interface Vendor {
  submit(call: Call, verb: SubmitVerb): Promise<Outcome>;
  lookup(call: Call, verb: Exclude<LookupVerb, "image">): Promise<SimulatorResponse>;
  cancel(call: Call): Promise<SimulatorResponse>;
}

export interface VendorDeps {
  clock: Clock;
  life: TaskLifecycle;
  faults: Faults;
  ledger: LedgerBook;
  steps: SubmitSteps;
  random: Random;
  speed: number;
  origin(): Origin;
}

export function createVendor(parts: VendorDeps): Vendor {
  const { clock, life, faults, ledger, steps, random } = parts;
  /** Responses to submissions that were accepted, by vendor and idempotency key. */
  const answered = new Map<string, { reply: SimulatorResponse; ids: string }>();

  /** Returns the task as the vendor shows it, which may lag behind. */
  function shownTask(task: Task, { dialect, scenario }: Call): TaskView {
    const lagMs = scenario.relayLagMs ?? 0;
    const frozenAt = scenario.frozenRows ? task.history.find(isEarlyFull)?.at : undefined;
    const past = frozenAt !== undefined ? taskAt(task, frozenAt) : lagMs > 0 ? taskAt(task, clock.now() - lagMs) : task;
    const notPolled = !past || clock.now() - task.submitTime < dialect.emptyStatusMs * parts.speed;
    return notPolled
      ? { task: { ...task, status: "NOT_START", progress: null, startTime: null, finishTime: null }, notPolled }
      : { task: past };
  }

  function viewOf(call: Call): View {
    const { dialect, scenario } = call;
    const actual = (id: string) => life.get(dialect.id, id);
    return {
      dialect,
      scenario,
      actual,
      task(id) {
        const task = actual(id);
        if (!task) return undefined;
        // An empty status is short and never hides an end. Only a relay lag rejects a press (docs/protocol.md 5.5).
        return scenario.relayLagMs || scenario.frozenRows ? shownTask(task, call).task : task;
      },
      existingUpscale: (parentId, index) =>
        life.all(dialect.id).find((t) => t.parentId === parentId && t.action === "UPSCALE" && t.index === index),
    };
  }

  async function submit(call: Call, verb: SubmitVerb): Promise<Outcome> {
    const { dialect, scenario, route } = call;
    const now = clock.now();
    const fields = parseFields(call.body);
    const row = (rest: Partial<Submission>): void => ledger.submission({ ...rowOf(call, verb, fields, now), ...rest });

    if (!fields) {
      const reply = refused(dialect, verb, { kind: "unreadable" }, now);
      row({ outcome: "refused", code: reply.code, httpStatus: reply.status });
      return reply;
    }
    const decision = decide(verb, fields, route.mode, viewOf(call));
    const details = rowDetailsOf(decision);

    function refuse(refusal: Refusal, fault: FaultKind | null = null): SimulatorResponse {
      const reply = refused(dialect, verb, refusal, now);
      const outcome = refusal.kind === "queue-full" ? "busy" : "refused";
      row({ ...details, outcome, code: reply.code, httpStatus: reply.status, fault });
      return reply;
    }

    const key = scenario.idempotencyKeys ? call.idempotencyKey : undefined;
    const earlier = key === undefined ? undefined : answered.get(`${dialect.id} ${key}`);
    if (earlier) {
      const { reply, ids } = earlier;
      row({ ...details, taskId: ids, outcome: "existing", code: reply.code, httpStatus: reply.status });
      return reply;
    }
    if (decision.kind === "refuse") return refuse(decision.refusal);
    if (decision.kind === "upload") {
      const urls = uploads(call.body, decision.count, parts.origin());
      const reply = accepted(dialect, verb, { kind: "urls", urls });
      row({ outcome: "uploaded", code: reply.code, httpStatus: reply.status });
      return reply;
    }
    if (decision.kind === "existing") {
      const reply = accepted(dialect, verb, { kind: "existing", task: decision.task, origin: parts.origin() });
      row({ ...details, taskId: decision.task.id, outcome: "existing", code: reply.code, httpStatus: reply.status });
      return reply;
    }

    const event = { provider: dialect.id, verb, action: details.action ?? null };
    const fault = faults.take(SUBMIT_FAULTS, event);
    const early = refusing(fault);
    if (early === "drop") {
      row({ ...details, outcome: "refused", fault: "drop-before-accept" });
      return "drop";
    }
    if (early === "queue-full" || early === "not-success") return refuse({ kind: early }, early);
    if (early === "out-of-credit") return refuse({ kind: "no-credit" }, early);
    if (early === "account-refused") return refuse({ kind: "no-account" }, early);
    if (early) {
      const reply = early(dialect, now);
      row({ ...details, outcome: "busy", code: reply.code, httpStatus: reply.status, fault: fault?.kind ?? null });
      return reply;
    }

    if (decision.kind === "create" && !steps.canPay(dialect.id, scenario)) return refuse({ kind: "no-credit" });
    const load = life.load(dialect.id);
    const slots = decision.kind === "create" && !decision.draft.modal ? scenario.queue : undefined;
    const waits = slots !== undefined && load.running >= slots.running;
    if (waits && load.waiting >= slots.waiting) return refuse({ kind: "queue-full" });

    const created = decision.kind === "create" ? children(decision.draft, call, waits) : [reopened(decision)];
    if (decision.kind === "create") steps.pay(dialect.id, created.length);
    const first = created[0]!;
    const ids = created.map((task) => task.id);
    const acceptance =
      first.status === "MODAL"
        ? ({ kind: "modal", task: first } as const)
        : waits
          ? ({ kind: "queued", ids, ahead: load.waiting + 1 } as const)
          : ({ kind: "accepted", ids } as const);
    let reply = accepted(dialect, verb, acceptance, first.action);
    if (random.chance(dialect.createdShare)) reply = { ...reply, status: 201 };
    if (key !== undefined) answered.set(`${dialect.id} ${key}`, { reply, ids: ids.join(",") });
    if (fault?.kind === "answer-5xx") reply = errorsOf(dialect).serverError(fault.httpStatus ?? 500, now);
    if (fault?.kind === "answer-garbage") reply = malformedResponse();
    const unanswered = fault?.kind === "accept-then-drop" || fault?.kind === "accept-then-hang";
    row({
      ...details,
      prompt: cut(first.prompt),
      taskId: ids.join(","),
      outcome: isEnded(first.status) ? "done" : acceptance.kind,
      code: reply.code,
      httpStatus: unanswered ? null : reply.status,
      fault: fault?.kind ?? null,
    });

    for (const task of created) await steps.start(task, verb);
    await steps.pause(event);
    if (fault?.kind === "accept-then-drop") return "drop";
    return fault?.kind === "accept-then-hang" ? "hang" : reply;
  }

  function children(draft: Draft, call: Call, waits: boolean): Task[] {
    const event = { provider: call.dialect.id, action: draft.action };
    return Array.from({ length: draft.count }, (_, i) => {
      const ending = steps.failure(event);
      // The state of each child of "Imagine all" ends with the number of the child (docs/protocol.md 4.5).
      const state = draft.count > 1 ? `${draft.state ?? ""}::${i + 1}` : draft.state;
      const numbered = { ...draft, state, index: draft.count > 1 ? i + 1 : draft.index, ...(ending && { ending }) };
      return life.create(numbered, call.dialect, call.scenario, waits);
    });
  }

  function reopened(decision: Decision & { kind: "reopen" }): Task {
    return life.reopen(decision.task, decision.prompt, decision.ending, decision.pace);
  }

  async function lookup(call: Call, verb: Exclude<LookupVerb, "image">): Promise<SimulatorResponse> {
    const { dialect, route } = call;
    const event = { provider: dialect.id, verb };
    const fault = faults.take(LOOKUP_FAULTS, event);
    const fields = parseFields(call.body) ?? {};
    const ids = route.id === null ? (texts(fields, "ids") ?? []) : [route.id];
    const all = fault?.kind === "lookup-missing" ? [] : tasksFor(verb, ids, call);
    const page = verb === "query" ? pageOf(all, fields) : undefined;
    const known = page?.tasks ?? all;
    const reply = replyOf();
    ledger.lookup({
      at: clock.now(),
      provider: dialect.id,
      verb,
      ids,
      found: known.length,
      httpStatus: reply.status,
      fault: fault?.kind ?? null,
    });
    await steps.pause(event);
    return reply;

    function replyOf(): SimulatorResponse {
      const { envelope } = call.scenario;
      if (fault?.kind === "lookup-5xx") return errorsOf(dialect).serverError(fault.httpStatus ?? 500, clock.now());
      if (fault?.kind === "lookup-error-200") return json(dialect, 200, { code: 429, description: "请求过于频繁" });
      if (fault?.kind === "lookup-page") return webPage();
      const [first] = known;
      if (verb === "image-seed") return seed(first, call);
      if (verb === "fetch")
        return first ? json(dialect, 200, enveloped(wireTask(first, call), envelope)) : unknownTask(dialect);
      const tasks = shown(known, call);
      return json(dialect, 200, page ? { content: tasks, ...page.numbers } : enveloped(tasks, envelope));
    }
  }

  function tasksFor(verb: Exclude<LookupVerb, "image">, ids: string[], { dialect, scenario }: Call): Task[] {
    if (verb === "list" || verb === "query") {
      const own = life.all(dialect.id);
      const last = own.at(-1);
      const others = last ? tasksOfOthers(last, scenario.newerTasks ?? 0, clock.now()) : [];
      return newestOf([...others, ...own], dialect);
    }
    if (verb === "queue") return life.all(dialect.id).filter((task) => !isEnded(task.status));
    return ids.map((id) => life.get(dialect.id, id)).filter((task) => task !== undefined);
  }

  function shown(tasks: readonly Task[], call: Call): Fields[] {
    return tasks.map((task) => wireTask(task, call));
  }

  function wireTask(task: Task, call: Call): Fields {
    return toWireTask(shownTask(task, call), call.dialect, parts.origin());
  }

  function seed(task: Task | undefined, { dialect }: Call): SimulatorResponse {
    const trueai = dialect.errors === "trueai";
    if (!task && dialect.errors === "relay") return relayError(4, "task_no_found");
    if (!task) return { ...plain(dialect, 3, "未找到 seed", null), status: trueai ? 404 : 200 };
    if (task.status !== "SUCCESS") return { ...plain(dialect, 4, "任务未完成", null), status: trueai ? 400 : 200 };
    return plain(dialect, 1, "成功", seedOf(task));
  }

  async function cancel(call: Call): Promise<SimulatorResponse> {
    const { dialect, route } = call;
    const task = life.get(dialect.id, route.id ?? "");
    const hasEnded = task && isEnded(task.status);
    const reply = !task
      ? { ...plain(dialect, 3, "任务不存在", null), status: dialect.errors === "trueai" ? 404 : 200 }
      : plain(dialect, hasEnded ? 4 : 1, hasEnded ? "任务已结束" : "成功", null);
    ledger.submission({
      ...rowOf(call, "cancel", {}, clock.now()),
      taskId: task?.id ?? null,
      action: task?.action ?? null,
      outcome: task && !hasEnded ? "cancelled" : "refused",
      code: reply.code,
      httpStatus: reply.status,
    });
    if (task && !hasEnded) life.cancel(task, dialect);
    return reply;
  }

  return { submit, lookup, cancel };
}

/** True for the step at 100 % that is not yet the end (docs/protocol.md 3.5). */
function isEarlyFull({ status, progress }: TimelineStep): boolean {
  return status === "IN_PROGRESS" && progress === "100%";
}

/** Wraps what a look-up returns, as gateways do. A single task is wrapped only by `result`. */
function enveloped(body: unknown, envelope: Envelope | undefined): unknown {
  if (envelope === "result") return { code: 1, description: "ok", result: body };
  return envelope === "data.list" && Array.isArray(body) ? { code: 0, msg: "ok", data: { list: body } } : body;
}

type Refusing =
  | "drop"
  | "queue-full"
  | "not-success"
  | "out-of-credit"
  | "account-refused"
  | ((dialect: Dialect, now: number) => SimulatorResponse);

/** Returns how a fault rejects the submission; undefined if the task is created nevertheless. */
function refusing(fault: ArmedFault | undefined): Refusing | undefined {
  switch (fault?.kind) {
    case "drop-before-accept":
      return "drop";
    case "queue-full":
    case "not-success":
    case "out-of-credit":
    case "account-refused":
      return fault.kind;
    case "answer-429":
      return (dialect) => errorsOf(dialect).queueFull();
    case "answer-overloaded":
      return overloaded;
    case "answer-challenge":
      return challenge;
    case "answer-5xx":
      return fault.accepted ? undefined : (dialect, now) => errorsOf(dialect).serverError(fault.httpStatus ?? 500, now);
    case "answer-garbage":
      return fault.accepted ? undefined : malformedResponse;
    default:
      return undefined;
  }
}

type RowDetails = Partial<Pick<Submission, "parentId" | "customId" | "action">>;

function rowDetailsOf(decision: Decision): RowDetails {
  switch (decision.kind) {
    case "create": {
      const { parent, customId, action } = decision.draft;
      return { parentId: parent?.id ?? null, customId: customId ?? null, action };
    }
    case "reopen":
    case "existing":
      return { parentId: decision.task.parentId, customId: decision.task.customId, action: decision.task.action };
    case "refuse":
      return {
        parentId: decision.parentId ?? null,
        customId: decision.customId ?? null,
        action: decision.action ?? null,
      };
    case "upload":
      return {};
  }
}

function rowOf(call: Call, verb: Submission["verb"], fields: Fields | undefined, at: number): Omit<Submission, "seq"> {
  const string = (name: string) => {
    const value = fields && Object.hasOwn(fields, name) ? fields[name] : undefined;
    return typeof value === "string" ? cut(value) : null;
  };
  return blankRow({
    at,
    provider: call.dialect.id,
    verb,
    mode: call.route.mode,
    prompt: string("prompt"),
    state: string("state"),
    hasHook: string("notifyHook") !== null,
    images: imagesOf(fields ?? {}, IMAGE_FIELDS),
  });
}

const IMAGE_FIELDS = [
  "base64Array",
  "base64",
  "link",
  "image",
  "endImage",
  "maskBase64",
  "sourceBase64",
  "sourceUrl",
  "targetBase64",
  "targetUrl",
];

/** Returns addresses for uploaded images. The same upload gives the same addresses. */
function uploads(body: string, count: number, origin: Origin): string[] {
  return Array.from({ length: count }, (_, i) => `${origin}/images/upload-${hash32(`${body}${i}`)}.png`);
}
