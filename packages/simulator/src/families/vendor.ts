/**
 * Handles the calls of all families. The family decides, faults may change the result, the lifecycle creates tasks, and the
 * ledger records the call. It is the counterpart of `../vendor.ts`, which does the same for the midjourney-proxy family.
 */
import type { Clock } from "../clock.ts";
import type { Verb } from "../dialect.ts";
import { type ArmedFault, type FaultKind, type Faults, LOOKUP_FAULTS } from "../fault.ts";
import { parseFields } from "../json.ts";
import type { LedgerBook, Submission } from "../ledger.ts";
import type { TaskLifecycle } from "../lifecycle.ts";
import { newestOf, tasksOfOthers } from "../listing.ts";
import { challenge, malformedResponse, overloaded, type SimulatorResponse, webPage } from "../response.ts";
import type { Scenario } from "../scenario.ts";
import { blankRow, cut, imagesOf, SUBMIT_FAULTS, type SubmitSteps } from "../submit-step.ts";
import { isEnded, type Task } from "../task.ts";
import type { Outcome } from "../vendor.ts";
import type { Origin } from "../wire-format.ts";
import type { Answer, Family, FamilyCall, FamilyDecision, FamilyRefusal, FamilyRequest, FamilyView } from "./family.ts";

export interface FamilyVendorCall {
  family: Family;
  scenario: Scenario;
  request: Omit<FamilyRequest, "body">;
  body: string;
  /** Undefined if the request has no key. */
  key: string | undefined;
}

export interface FamilyVendor {
  handle(call: FamilyVendorCall): Promise<Outcome>;
  /** The server calls this function after each step of a task, so that blocking submissions are answered. */
  moved(task: Task): void;
}

export interface FamilyVendorDeps {
  clock: Clock;
  life: TaskLifecycle;
  faults: Faults;
  ledger: LedgerBook;
  steps: SubmitSteps;
  speed: number;
  origin(): Origin;
}

/** Time after which a blocking submission is answered with a timeout, at speed 1. */
const BLOCKING_MS = 480_000;

export function createFamilyVendor(parts: FamilyVendorDeps): FamilyVendor {
  const { clock, life, faults, ledger, steps } = parts;
  /** Blocking submissions by task. */
  const blocked = new Map<string, (task: Task) => void>();

  function viewOf({ family, scenario }: FamilyVendorCall, isEmpty = false): FamilyView {
    const own = () => {
      const tasks = life.all(family.id);
      const last = tasks.at(-1);
      const others = last ? tasksOfOthers(last, scenario.newerTasks ?? 0, clock.now()) : [];
      return newestOf([...others, ...tasks], { listed: Number.POSITIVE_INFINITY });
    };
    return {
      scenario,
      now: clock.now(),
      origin: parts.origin(),
      task: (id) => (isEmpty ? undefined : life.get(family.id, id)),
      all: () => (isEmpty ? [] : own()),
    };
  }

  async function handle(call: FamilyVendorCall): Promise<Outcome> {
    const { family, key } = call;
    const view = viewOf(call);
    if (key === undefined || key === "wrong-key") return reply(family.refused({ kind: "unauthorized" }, view));
    const body = call.body === "" ? {} : parseFields(call.body);
    if (!body) return reply(family.refused({ kind: "invalid", text: "The body is not a JSON object" }, view));
    const request = { ...call.request, body };
    const asked = family.read(request, view);
    if (!asked) {
      const { method, path } = request;
      return reply(family.refused({ kind: "no-route", method, path }, view));
    }
    if (asked.kind === "submit") return submit(call, request, asked);
    return asked.kind === "lookup" ? lookup(call, request, asked) : cancel(call, request, asked.id);
  }

  async function submit(
    call: FamilyVendorCall,
    request: FamilyRequest,
    { verb, decision }: FamilyCall & { kind: "submit" },
  ): Promise<Outcome> {
    const { family, scenario } = call;
    const details = pressOf(decision);
    const row = (rest: Partial<Submission>) =>
      ledger.submission({ ...rowOf(call, request, verb, decision), ...details, ...rest });

    function refuse(refusal: FamilyRefusal, fault: FaultKind | null = null): SimulatorResponse {
      const response = reply(family.refused(refusal, viewOf(call)));
      const outcome = refusal.kind === "queue-full" || refusal.kind === "rate-limit" ? "busy" : "refused";
      row({ outcome, httpStatus: response.status, fault });
      return response;
    }

    if (decision.kind === "refuse") {
      const { refusal, draft } = decision;
      // The ledger shows no task: nothing was drawn, so nothing is charged.
      const task =
        draft && family.keepsRefused && life.create({ ...draft, failsAtOnce: true }, family, scenario, false);
      return refuse(task && refusal.kind === "banned" ? { ...refusal, task } : refusal);
    }
    if (decision.kind === "existing") {
      const response = reply(family.shown(decision.task, request, viewOf(call)));
      row({ taskId: decision.task.id, outcome: "existing", httpStatus: response.status });
      return response;
    }

    const { draft } = decision;
    const event = { provider: family.id, verb, action: draft.action };
    const fault = faults.take(SUBMIT_FAULTS, event);
    if (fault?.kind === "drop-before-accept") {
      row({ outcome: "refused", fault: fault.kind });
      return "drop";
    }
    const early = refusalBy(fault);
    if (early && "kind" in early) return refuse(early, fault!.kind);
    if (early) {
      row({ outcome: "busy", httpStatus: early.status, fault: fault!.kind });
      return early;
    }
    if (!steps.canPay(family.id, scenario)) return refuse({ kind: "no-credit" });
    const load = life.load(family.id);
    const waits = scenario.queue !== undefined && load.running >= scenario.queue.running;
    if (waits && load.waiting >= scenario.queue!.waiting) return refuse({ kind: "queue-full" });

    const ending = steps.failure({ provider: family.id, action: draft.action });
    const task = life.create({ ...draft, ...(ending && { ending }) }, family, scenario, waits);
    steps.pay(family.id, 1);
    const isUnanswered = fault?.kind === "accept-then-drop" || fault?.kind === "accept-then-hang";
    let response = reply(family.accepted(task, request, viewOf(call)));
    if (fault?.kind === "answer-5xx") response = reply(serverError(call, fault.httpStatus));
    if (fault?.kind === "answer-garbage") response = malformedResponse();
    row({
      prompt: cut(task.prompt),
      taskId: task.id,
      outcome: waits ? "queued" : "accepted",
      httpStatus: isUnanswered ? null : response.status,
      fault: fault?.kind ?? null,
    });
    const ended = decision.blocks && fault === undefined ? untilEnd(task) : undefined;
    await steps.start(task, verb);
    await steps.pause(event);
    if (fault?.kind === "accept-then-drop") return "drop";
    if (fault?.kind === "accept-then-hang") return "hang";
    if (ended === undefined) return response;
    const end = await ended;
    return reply(end ? family.shown(end, request, viewOf(call)) : family.refused({ kind: "timeout" }, viewOf(call)));
  }

  /** Resolves with the ended task; with undefined if it has not ended in time. */
  function untilEnd(task: Task): Promise<Task | undefined> {
    return new Promise((resolve) => {
      const stop = clock.setTimer(() => {
        blocked.delete(task.id);
        resolve(undefined);
      }, BLOCKING_MS * parts.speed);
      blocked.set(task.id, (end) => {
        stop();
        resolve(end);
      });
    });
  }

  async function lookup(
    call: FamilyVendorCall,
    request: FamilyRequest,
    asked: FamilyCall & { kind: "lookup" },
  ): Promise<Outcome> {
    const { family } = call;
    const { verb, ids } = asked;
    const event = { provider: family.id, verb };
    const fault = faults.take(LOOKUP_FAULTS, event);
    const missing = fault?.kind === "lookup-missing" ? family.read(request, viewOf(call, true)) : undefined;
    const { found, answer } = missing?.kind === "lookup" ? missing : asked;
    const response = responseOf();
    const row = { at: clock.now(), provider: family.id, verb, ids: [...ids], found };
    ledger.lookup({ ...row, httpStatus: response.status, fault: fault?.kind ?? null });
    await steps.pause(event);
    return response;

    function responseOf(): SimulatorResponse {
      if (fault?.kind === "lookup-5xx") return reply(serverError(call, fault.httpStatus));
      if (fault?.kind === "lookup-page") return webPage();
      if (fault?.kind !== "lookup-error-200") return reply(answer);
      return { ...reply(family.refused({ kind: "rate-limit" }, viewOf(call))), status: 200 };
    }
  }

  function cancel(call: FamilyVendorCall, request: FamilyRequest, id: string): SimulatorResponse {
    const { family } = call;
    const task = life.get(family.id, id);
    const isOpen = task !== undefined && !isEnded(task.status);
    const canceled = isOpen ? life.cancel(task, family) : undefined;
    const view = viewOf(call);
    const response = reply(
      canceled ? family.shown(canceled, request, view) : family.refused({ kind: task ? "ended" : "missing" }, view),
    );
    ledger.submission({
      ...blankRow({ at: clock.now(), provider: family.id, verb: "cancel", mode: null }),
      taskId: task?.id ?? null,
      action: task?.action ?? null,
      outcome: canceled ? "cancelled" : "refused",
      httpStatus: response.status,
    });
    return response;
  }

  function rowOf(
    call: FamilyVendorCall,
    { body }: FamilyRequest,
    verb: Verb,
    decision: FamilyDecision,
  ): Omit<Submission, "seq"> {
    const draft = "draft" in decision ? decision.draft : undefined;
    return blankRow({
      at: clock.now(),
      provider: call.family.id,
      verb,
      mode: draft?.mode ?? null,
      prompt: cut(draft?.prompt ?? null),
      state: cut(draft?.state ?? null),
      hasHook: draft?.notifyHook != null,
      images: imagesOf(body, call.family.imageFields),
    });
  }

  function serverError(call: FamilyVendorCall, status = 500): Answer {
    return call.family.refused({ kind: "server-error", status }, viewOf(call));
  }

  return {
    handle,
    moved(task) {
      if (!isEnded(task.status)) return;
      blocked.get(task.id)?.(task);
      blocked.delete(task.id);
    },
  };
}

/** Returns how a fault rejects the submission; undefined if the task is created nevertheless. */
function refusalBy(fault: ArmedFault | undefined): FamilyRefusal | SimulatorResponse | undefined {
  switch (fault?.kind) {
    case "queue-full":
    case "not-success":
      return { kind: fault.kind };
    case "out-of-credit":
      return { kind: "no-credit" };
    case "account-refused":
      return { kind: "no-account" };
    case "answer-429":
      return { kind: "rate-limit" };
    case "answer-overloaded":
      return overloaded();
    case "answer-challenge":
      return challenge();
    case "answer-5xx":
      return fault.accepted ? undefined : { kind: "server-error", status: fault.httpStatus ?? 500 };
    case "answer-garbage":
      return fault.accepted ? undefined : malformedResponse();
    default:
      return undefined;
  }
}

function pressOf(decision: FamilyDecision): Partial<Pick<Submission, "parentId" | "customId" | "action">> {
  if (decision.kind === "create") {
    const { parent, customId, action } = decision.draft;
    return { parentId: parent?.id ?? null, customId: customId ?? null, action };
  }
  const { parentId, customId, action } = decision.kind === "existing" ? decision.task : decision;
  return { parentId: parentId ?? null, customId: customId ?? null, action: action ?? null };
}

function reply({ status, body, contentType }: Answer): SimulatorResponse {
  return contentType === undefined
    ? { status, contentType: "application/json", body: JSON.stringify(body), code: null }
    : { status, contentType, body: String(body), code: null };
}
