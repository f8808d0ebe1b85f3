/**
 * A simulated vendor with its own ledger: requests, accepted (and charged) tasks, callbacks. It behaves like the servers
 * whose source was read. Each callback is sent once, unsigned and in any order. There is no retry and no idempotency key.
 * mjflow reaches it through the real adapter and its readers (`vendor-http.ts`).
 */
import type { Button } from "@mjflow/core/button";
import { SUBMIT_ANSWER_TIMEOUT_MS } from "@mjflow/core/limit";
import type { Provider, SubmitOutcome } from "@mjflow/core/port";
import { isFinal, type ReportStatus } from "@mjflow/core/report";
import type { FaultProfile } from "./fault-profile.ts";
import type { Rng } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { createVendorHttp, type Reply, type VendorCall } from "./vendor-http.ts";
import { mjproxyWire, type Wire, type WireProvider } from "./wire.ts";

/** One task that the vendor accepted; one image to pay. */
export interface VendorTask {
  /** Sequence number within its account, so accounts have equal ids. */
  id: string;
  account: string;
  flowPart: string;
  path: string;
  attempt: number;
  at: number;
  customId?: string;
  parentId?: string;
  token: string;
  /** Callback URL of the request. */
  hook: string;
  status: ReportStatus;
  endsAt: number;
  ends: "SUCCESS" | "FAILURE";
  /** How long after its end the vendor still reports a failure, the row is older, or image or buttons are missing; ms. */
  lateMs: number;
  lagMs: number;
  pictureMs: number;
  buttonsMs: number;
  /** True if the row never leaves 100 %. Only callbacks show its end. */
  frozen: boolean;
  /** True if the response to its submission says that its modal is open. */
  wasModal?: boolean;
  /** Number of look-ups by id that left the task out. */
  omitted: number;
  /** Time at which mjflow stored a callback of this task, or its id; unset: neither yet. */
  confirmedAt?: number;
  /** Time at which mjflow answered any callback of this task; progress that no app requested is not stored (D2). */
  heardAt?: number;
  /** True if mjflow stored a callback with the image. */
  pictureConfirmed?: true;
}

/**
 * False: not at all. True: the vendor searches by the `state` itself. Else it ignores the state and shows pages of its newest
 * tasks. The account has many tasks that are not ours: the pages that mjflow reads hold those of the last `reachMs` ms.
 */
export type SearchMode = boolean | { reachMs: number };

export interface VendorDeps {
  scheduler: Scheduler;
  rng: Rng;
  profile: FaultProfile;
  /** Routes and bodies; unset: those of midjourney-proxy. */
  wire?: Wire | undefined;
  /** Whether submissions can be searched for by the `state` that we sent, and how. */
  searched: SearchMode;
  /** Whether an account rejects every submission as busy now; a number: with this Retry-After, ms. Unset: never. */
  isBusy?: ((account: string) => boolean | number) | undefined;
  /** Time from a submission to its response, ms. Unset: none. `Infinity`: the vendor never responds. */
  answerMs?: ((account: string) => number) | undefined;
  /** True if the vendor accepts every second submission to which it never responds. Unset: none of them. */
  acceptsHung?: boolean;
  onAccepted(task: VendorTask): void;
  /** Sends one callback; the vendor ignores the response. */
  post(token: string, body: string, accepted: VendorTask): void;
  /** Sends a callback with an invalid token. */
  forge(token: string, body: string): void;
}

export interface Vendor {
  provider: WireProvider;
  accepted: VendorTask[];
  find(account: string, id: string): VendorTask | undefined;
  /** Presses of a missing customId or of an unfinished parent; these are faults of mjflow. */
  wrongPresses: string[];
  /** Responses that the adapter read as another outcome than the vendor meant. */
  misread: string[];
  /** What the vendor did against its accounts, as `account fault` of the circuit breaker. */
  causes: ReadonlySet<string>;
  /** Last time at which a task of ours (`flow path`) was refused because its parent was not finished, epoch ms. */
  notYet: ReadonlyMap<string, number>;
  /** Time of the last callback that is planned, epoch ms. */
  lastCallbackAt(): number;
  counts: { submissions: number; lookups: number; callbacks: number };
  /** Every submission, and whether the vendor accepted it, in the order of their responses. */
  submissions: { at: number; account: string; flowPart: string; path: string; isAccepted: boolean }[];
}

/** Requests of an average look-up at a vendor that answers one task in each. */
const REQUESTS_OF_LOOKUP = 20;
const IMAGINE_MS = 40_000;
const PRESS_MS = 15_000;
/** Number of tasks on the pages that mjflow reads of a list. */
const LISTED = 300;

const UNSTARTED: readonly Reply[] = [
  overloadedRelay(503, "system cpu overloaded", "system_cpu_overloaded"),
  overloadedRelay(503, "no available channel", "get_channel_failed"),
  overloadedRelay(429, "rate limit exceeded", "rate_limit_exceeded"),
  overloadedRelay(500, "database is locked", "query_data_error"),
  { kind: "answer", of: "refusal", status: 200, body: { code: 503, description: "server overloaded" } },
  { kind: "unsent", reason: "ECONNREFUSED" },
];

const NO_LISTS: readonly Reply[] = [
  { kind: "page", status: 200, text: "<!doctype html><html><body>Under maintenance [1]</body></html>" },
  { kind: "page", status: 200, text: '{"error":{"message":"upstream timeout","type":"upstream_error"}}' },
  { kind: "page", status: 200, text: '{"code":-1,"description":"system error"}' },
  { kind: "page", status: 200, text: '[{"message":"too many connections"}]' },
  { kind: "page", status: 200, text: "{}" },
];

function overloadedRelay(status: number, message: string, code: string): Reply {
  return { kind: "answer", of: "refusal", status, body: { error: { message, type: "new_api_error", code } } };
}

export function createVendor(deps: VendorDeps): Vendor {
  const { scheduler, rng, profile, searched, wire = mjproxyWire, onAccepted, post, forge } = deps;
  const submissions: Vendor["submissions"] = [];
  const accepted: VendorTask[] = [];
  const byId = new Map<string, VendorTask>();
  /** Tasks by account and idempotency key. */
  const keyed = new Map<string, VendorTask>();
  const find = (account: string, id: string) => byId.get(`${account}/${id}`);
  const wrongPresses: string[] = [];
  const misread: string[] = [];
  const causes = new Set<string>();
  const notYet = new Map<string, number>();
  const counts = { submissions: 0, lookups: 0, callbacks: 0 };
  const silent = rng.chance(profile.silent);
  let keyRefusedUntil = 0;
  let lastCallbackAt = 0;

  function report(task: VendorTask, shown: Shown, delayMs: number): void {
    if (silent) return;
    const sent = wire.callbackOf(bodyOf(task, shown), { state: stateOf(task), hook: task.hook });
    if (sent === undefined) return;
    const body = JSON.stringify(sent);
    const deliver = (afterMs: number) => {
      if (rng.chance(profile.loseCallback)) return;
      const holdMs = rng.chance(profile.delayCallback) ? rng.int(10_000, 600_000) : 0;
      const inMs = afterMs + holdMs + rng.int(1, 2_000);
      lastCallbackAt = Math.max(lastCallbackAt, scheduler.now() + inMs);
      scheduler.at(inMs, () => {
        counts.callbacks++;
        post(task.token, body, task);
      });
    };
    deliver(delayMs);
    if (rng.chance(profile.copyCallback)) for (let i = rng.int(1, 5); i > 0; i--) deliver(delayMs);
    if (rng.chance(profile.forge)) scheduler.at(delayMs, () => forge(forgedFrom(task.token, rng), body));
  }

  /** Runs the task: SUBMITTED, progress, its end, and late reports as some servers send them. */
  function run(task: VendorTask, runMs: number): void {
    task.status = "SUBMITTED";
    task.endsAt = scheduler.now() + runMs;
    report(task, { status: "SUBMITTED", progress: 0 }, 50);
    for (const part of [0.3, 0.7])
      report(task, { status: "IN_PROGRESS", progress: Math.round(part * 100) }, runMs * part);
    const { ends, lateMs, pictureMs, buttonsMs } = task;
    scheduler.at(runMs, () => {
      task.status = lateMs > 0 ? "FAILURE" : ends;
    });
    if (lateMs > 0) {
      scheduler.at(runMs + lateMs, () => {
        task.status = "SUCCESS";
      });
      report(task, { status: "FAILURE", progress: 100 }, runMs);
    }
    const success = { status: ends, progress: 100, noButtons: buttonsMs > 0 };
    report(task, { ...success, noPicture: pictureMs > 0 }, runMs + lateMs);
    if (pictureMs > 0) report(task, success, runMs + lateMs + pictureMs);
    if (rng.chance(profile.progressAfterEnd)) report(task, { status: "IN_PROGRESS", progress: 93 }, runMs + 3_000);
    if (rng.chance(profile.contraryEnd))
      report(task, { status: ends === "SUCCESS" ? "FAILURE" : "SUCCESS", progress: 100 }, runMs + 5_000);
  }

  /** Returns how the vendor's list shows the task now. */
  function shownOf(task: VendorTask): Shown {
    const sinceEnd = scheduler.now() - task.endsAt;
    if (!isFinal(task.status)) return { status: task.status, progress: 50 };
    // The early 100 % that real servers send before the end. A relay that sees it last stops to update its row.
    if (task.frozen || sinceEnd < task.lagMs) return { status: "IN_PROGRESS", progress: 100 };
    const sinceSuccess = sinceEnd - task.lateMs;
    return {
      status: task.status,
      progress: 100,
      noPicture: sinceSuccess < task.pictureMs,
      noButtons: sinceSuccess < task.buttonsMs,
    };
  }

  function drawTask(): Pick<VendorTask, "ends" | "lateMs" | "lagMs" | "pictureMs" | "buttonsMs" | "frozen"> {
    const ends = rng.chance(profile.fail) ? "FAILURE" : "SUCCESS";
    const upTo = (probability: number, min: number, max: number) =>
      rng.chance(probability) && ends === "SUCCESS" ? rng.int(min, max) : 0;
    return {
      ends,
      lateMs: upTo(profile.lateSuccess, 60_000, 3_000_000),
      lagMs: upTo(profile.notYet, 3_000, 90_000),
      pictureMs: upTo(profile.emptySuccess, 5_000, 120_000),
      buttonsMs: upTo(profile.lateButtons, 1_000, 120_000),
      frozen: rng.chance(profile.frozen),
    };
  }

  /** Decides whether a submission is accepted and whether the response reaches mjflow. */
  async function submit({ account, state, hook, press, key }: Extract<VendorCall, { verb: "submit" }>): Promise<Reply> {
    counts.submissions++;
    const known = key === undefined ? undefined : keyed.get(`${account} ${key}`);
    if (known) return repeatedReply(account, known);
    const [flowPart, path, attempt] = state.split("_") as [string, string, string];
    const refusal = refuse(account);
    if (refusal) return refusal;
    if (press && isLate(account, press.parentId)) {
      notYet.set(`${flowPart} ${path}`, scheduler.now());
      return { kind: "answer", of: "refusal", status: 400, body: { code: 4, description: "task_status_not_success " } };
    }
    if (press) check(account, press);
    const nth = accepted.filter((other) => other.account === account).length;
    const task: VendorTask = {
      id: wire.idOf(nth),
      account,
      flowPart,
      path,
      attempt: Number(attempt),
      at: scheduler.now(),
      customId: press?.customId,
      parentId: press?.parentId,
      token: /\/callbacks\/([^/?]+)/.exec(hook)![1]!,
      hook,
      status: "SUBMITTED",
      endsAt: 0,
      ...drawTask(),
      omitted: 0,
    };
    accepted.push(task);
    onAccepted(task);
    if (key !== undefined) keyed.set(`${account} ${key}`, task);
    byId.set(`${account}/${task.id}`, task);
    // An upscale opens no modal, so its plan can have no prompt for one.
    const opensModal = press !== undefined && rng.chance(profile.modal) && !press.customId.includes("::upsample::");
    task.wasModal = opensModal;
    if (opensModal) task.status = "MODAL";
    else run(task, press ? rng.int(PRESS_MS / 2, PRESS_MS * 2) : rng.int(IMAGINE_MS / 2, IMAGINE_MS * 2));
    if (rng.chance(profile.slowAnswer)) await scheduler.pause(rng.int(1_000, 120_000));
    return opensModal ? respond(account, task.id, 21, { finalPrompt: "x" }) : respond(account, task.id);
  }

  /** Answers with the task of an earlier request with the same key, as far as the vendor answers now. */
  function repeatedReply(account: string, task: VendorTask): Reply {
    const refusal = refuse(account, false);
    if (refusal) return refusal;
    return task.wasModal ? respond(account, task.id, 21, { finalPrompt: "x" }) : respond(account, task.id);
  }

  /** Refuses or loses a call of which nothing was started; undefined: the call is accepted. */
  function refuse(account: string, mayBan = true): Reply | undefined {
    if (rng.chance(profile.dropBefore)) return lost(account, "request lost");
    if (rng.chance(profile.unstarted)) {
      const reply = rng.pick(UNSTARTED);
      causes.add(`${account} ${reply.kind === "unsent" ? "unreachable" : "busy"}`);
      return reply;
    }
    if (rng.chance(profile.busy)) {
      causes.add(`${account} busy`);
      return { kind: "answer", of: "refusal", status: 200, body: { code: 23, description: "队列已满，请稍后尝试" } };
    }
    return mayBan && rng.chance(profile.refuse) ? BANNED : undefined;
  }

  function lost(account: string, reason: string): Reply {
    causes.add(`${account} unclear`);
    return { kind: "lost", reason };
  }

  function respond(account: string, id: string, code = 1, properties?: object): Reply {
    if (rng.chance(profile.answerLost)) return lost(account, "response lost");
    const body = { code, description: "提交成功", result: id, ...(properties && { properties }) };
    return { kind: "answer", of: "acceptance", status: 200, body };
  }

  /** True while the vendor's row does not show the parent as finished. */
  function isLate(account: string, parentId: string): boolean {
    const parent = find(account, parentId);
    return parent !== undefined && isFinal(parent.status) && shownOf(parent).status === "IN_PROGRESS";
  }

  function check(account: string, { parentId, customId }: { parentId: string; customId: string }): void {
    const parent = find(account, parentId);
    const offered = parent ? buttonsOf(parent).some((button) => button.customId === customId) : false;
    // A vendor that reported a success and denies it later (contraryEnd) did offer the buttons.
    const ended = parent?.status === "SUCCESS" || (parent?.status === "FAILURE" && profile.contraryEnd > 0);
    if (!ended || !offered) wrongPresses.push(`${customId} on ${parentId}`);
  }

  function answerModal({ account, id, key }: Extract<VendorCall, { verb: "modal" }>): Reply {
    counts.submissions++;
    const task = find(account, id);
    const refusal = refuse(account, false);
    if (refusal) return refusal;
    if (!task) return BANNED;
    if (key !== undefined && keyed.get(`${account} ${key}`) === task) return respond(account, id);
    if (key !== undefined) keyed.set(`${account} ${key}`, task);
    if (task.status !== "MODAL") wrongPresses.push(`a second answer to the modal of ${id}`);
    else run(task, rng.int(PRESS_MS / 2, PRESS_MS * 2));
    return respond(account, id);
  }

  /** Fails a look-up; undefined: it is answered. */
  function failLookup(): Reply | undefined {
    counts.lookups++;
    if (rng.chance(profile.lookupFails)) return { kind: "page", status: 502, text: "<html>Bad gateway</html>" };
    if (rng.chance(profile.lookupNoList)) return rng.pick(NO_LISTS);
    // A vendor with a request for each task gets many requests for one look-up, and each could begin hours without any answer.
    const share = wire.looksUpEach ? REQUESTS_OF_LOOKUP : 1;
    if (rng.chance(profile.lookupRefused / share)) keyRefusedUntil = scheduler.now() + rng.int(60_000, 7_200_000);
    if (scheduler.now() >= keyRefusedUntil) return undefined;
    return {
      kind: "answer",
      of: "refusal",
      status: 401,
      body: { error: { message: "Invalid token", type: "new_api_error" } },
    };
  }

  function list({ account, ids }: Extract<VendorCall, { verb: "list" }>): Reply {
    const known = ids.flatMap((id) => find(account, id) ?? []);
    const shown = known.filter((task) => {
      const isOmitted = rng.chance(profile.lookupMissing);
      if (isOmitted) task.omitted++;
      return !isOmitted;
    });
    return { kind: "answer", of: "list", status: 200, body: shown.map((task) => rowOf(task, shownOf(task))) };
  }

  function query({ account, state, page, size }: Extract<VendorCall, { verb: "query" }>): Reply {
    const own = accepted.filter((task) => task.account === account && !rng.chance(profile.lookupMissing));
    const rows = (tasks: readonly VendorTask[]) => tasks.map((task) => rowOf(task, shownOf(task)));
    const content =
      typeof searched === "object"
        ? newestOf(own, searched.reachMs).slice(page * size, (page + 1) * size)
        : rows(own.filter((task) => stateOf(task) === state).slice(0, size));
    const last = typeof searched !== "object" && content.length < size;
    return { kind: "answer", of: "page", status: 200, body: { content, last, number: page, size } };
  }

  /** Returns our tasks among the tasks of others, newest first, so that `LISTED` tasks reach back by `reachMs`. */
  function newestOf(own: readonly VendorTask[], reachMs: number): object[] {
    const now = scheduler.now();
    const others = Array.from({ length: LISTED }, (_, i) => ({
      ...{ id: `9${i}`, status: "SUCCESS", progress: "100%", state: "other" },
      submitTime: Math.round(now - (reachMs * (i + 1)) / LISTED),
    }));
    const ours = own.filter(({ at }) => at >= now - reachMs).map((task) => rowOf(task, shownOf(task)));
    return [...others, ...ours].sort((a, b) => b.submitTime - a.submitTime);
  }

  /** Responds as a slow, hanging or busy vendor does, and records the submission. */
  async function submitSlowly(call: Extract<VendorCall, { verb: "submit" }>): Promise<Reply> {
    const { account, state } = call;
    const [flowPart, path] = state.split("_") as [string, string];
    const at = scheduler.now();
    const answerMs = deps.answerMs?.(account) ?? 0;
    if (answerMs === Number.POSITIVE_INFINITY) {
      const before = accepted.length;
      // The worker gives up after the timeout, whatever the vendor does.
      const taken = deps.acceptsHung === true && rng.chance(0.5) ? submit(call) : undefined;
      await scheduler.pause(SUBMIT_ANSWER_TIMEOUT_MS);
      const isAccepted = taken !== undefined && accepted.slice(before).some((task) => stateOf(task) === state);
      submissions.push({ at, account, flowPart, path, isAccepted });
      return lost(account, "no response");
    }
    if (answerMs > 0) await scheduler.pause(answerMs);
    const before = accepted.length;
    const busy = deps.isBusy?.(account) ?? false;
    const reply = busy === false ? await submit(call) : busyReply(account, busy);
    submissions.push({ at, account, flowPart, path, isAccepted: accepted.length > before });
    return reply;
  }

  function busyReply(account: string, busy: number | true): Reply {
    counts.submissions++;
    causes.add(`${account} busy`);
    const body = { error: { message: "rate limit exceeded", type: "new_api_error", code: "rate_limit_exceeded" } };
    return { kind: "answer", of: "refusal", status: 429, body, ...(busy !== true && { afterMs: busy }) };
  }

  async function handle(call: VendorCall): Promise<Reply> {
    if (call.verb === "submit" || call.verb === "modal") {
      const reply = call.verb === "submit" ? await submitSlowly(call) : answerModal(call);
      meant.set(`${call.account} ${call.state} ${call.verb}`, reply);
      return reply;
    }
    if (call.verb === "query") return failLookup() ?? query(call);
    const reply = failLookup() ?? list(call);
    meant.set(`${call.account} ${call.ids.join()}`, reply);
    return reply;
  }

  const adapter = wire.connect(createVendorHttp({ scheduler, rng, profile, wire, handle }), searched);
  /** The last reply to each call, by account, state and verb; for a look-up by its ids. */
  const meant = new Map<string, Reply>();

  async function compared(key: string, call: Promise<SubmitOutcome>): Promise<SubmitOutcome> {
    const outcome = await call;
    const reply = meant.get(key);
    // A picture that came with its grid is pressed without a request.
    if (reply === undefined && outcome.kind === "accepted" && outcome.existing) return outcome;
    const expected = outcomeOf(reply);
    const id = outcome.kind === "accepted" || outcome.kind === "modal" ? ` ${outcome.vendorTaskId}` : "";
    if (`${outcome.kind}${id}` !== expected) misread.push(`${expected} was read as ${JSON.stringify(outcome)}`);
    return outcome;
  }

  /** A list with rows must be read, whatever surrounds it. An empty one may look like no list. */
  async function comparedList(
    account: string,
    ids: readonly string[],
    call: ReturnType<Provider["lookup"]>,
  ): ReturnType<Provider["lookup"]> {
    const result = await call.catch((error: Error) => error);
    const keys = wire.looksUpEach ? ids.map((id) => wire.jobIdOf?.(id) ?? id) : [ids.join()];
    const replies = keys.map((key) => meant.get(`${account} ${key}`));
    const lists = replies.flatMap((reply) => (reply?.kind === "answer" && reply.of === "list" ? [reply.body] : []));
    // A request that fails may make the whole look-up fail.
    const isFailed = result instanceof Error && lists.length < keys.length;
    const listed = isFailed ? 0 : (lists as unknown[][]).flat().length;
    const read = result instanceof Error ? 0 : result.reports.length;
    if (read !== listed) misread.push(`a list of ${listed} rows was read as ${read}`);
    if (result instanceof Error) throw result;
    return result;
  }

  const provider: WireProvider = {
    ...adapter,
    lookup: (ids, account) => comparedList(account.apiKey, ids, adapter.lookup(ids, account)),
    submit: (call, context) =>
      compared(`${context.account.apiKey} ${context.state} submit`, adapter.submit(call, context)),
    press: (call, context) =>
      compared(`${context.account.apiKey} ${context.state} submit`, adapter.press(call, context)),
    modal: (call, context) =>
      compared(`${context.account.apiKey} ${context.state} modal`, adapter.modal(call, context)),
  };
  return {
    provider,
    accepted,
    find,
    wrongPresses,
    misread,
    causes,
    notYet,
    lastCallbackAt: () => lastCallbackAt,
    counts,
    submissions,
  };
}

const BANNED: Reply = {
  kind: "answer",
  of: "refusal",
  status: 200,
  body: { code: 24, description: "可能包含敏感词", properties: { bannedWord: "x" } },
};

/** Returns the outcome that a reply means. A lost response proves nothing, whatever part of it arrived. */
function outcomeOf(reply: Reply | undefined): string {
  if (reply?.kind === "unsent") return "busy";
  if (reply?.kind !== "answer") return "unclear";
  const { code, result } = reply.body as { code?: number; result?: string };
  if (result !== undefined) return `${code === 21 ? "modal" : "accepted"} ${result}`;
  return code === 24 ? "refused" : "busy";
}

/** How a report shows a task. */
interface Shown {
  status: ReportStatus;
  /** Percent. */
  progress: number;
  noPicture?: boolean;
  noButtons?: boolean;
}

/** The task object of the protocol, as callbacks and lists have it. */
function bodyOf(task: VendorTask, { status, progress, noPicture, noButtons }: Shown) {
  const success = status === "SUCCESS";
  return {
    id: task.id,
    status,
    progress: `${progress}%`,
    description: "/imagine x",
    ...(status === "FAILURE" && { failReason: "timeout" }),
    ...(success && !noPicture && { imageUrl: imageUrlOf(task) }),
    ...(success && !noButtons && { buttons: buttonsOf(task) }),
  };
}

function rowOf(task: VendorTask, shown: Shown) {
  return { ...bodyOf(task, shown), state: stateOf(task), submitTime: task.at };
}

function stateOf({ flowPart, path, attempt }: VendorTask): string {
  return `${flowPart}_${path}_${attempt}`;
}

export function imageUrlOf({ account, flowPart, path, attempt }: VendorTask): string {
  return `https://img.test/${account}/${flowPart}/${path}/${attempt}.png`;
}

/** Buttons contain the task id, which is equal at other accounts. So a press at the wrong account looks valid. */
export function buttonsOf({ id }: VendorTask): Button[] {
  const job = jobOf(id);
  const four = [1, 2, 3, 4];
  return [
    ...four.map((n) => ({ customId: `MJ::JOB::upsample::${n}::${job}`, label: `U${n}`, emoji: "" })),
    ...four.map((n) => ({ customId: `MJ::JOB::variation::${n}::${job}`, label: `V${n}`, emoji: "" })),
    { customId: `MJ::JOB::reroll::0::${job}::SOLO`, label: "", emoji: "🔄" },
  ];
}

/** Returns Midjourney's id of a task: equal for tasks with equal ids. */
export function jobOf(id: string): string {
  const digits = /\d{12,}/.exec(id)?.[0] ?? "";
  return `00000000-0000-4000-8000-${digits.slice(-12).padStart(12, "0")}`;
}

/** Returns a real token with one character changed, in its claims or in its MAC. */
function forgedFrom(token: string, rng: Rng): string {
  const at = rng.int(2, token.length - 1);
  const other = token[at] === "1" ? "2" : "1";
  return token.slice(0, at) + other + token.slice(at + 1);
}
