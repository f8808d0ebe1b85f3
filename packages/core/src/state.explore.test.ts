/**
 * Exhaustive state exploration: visits every state that a task can reach, breadth first, without sampling. It is what a
 * model checker such as TLA+ does, in TypeScript and with the production code.
 *
 * Times are reduced to what `decide` needs: whether the task is due, whether the lease is valid, and whether the
 * maximum wait or the deadline has passed. Each of these can change at any time and independently of the others. So the
 * exploration covers more orders than can happen, never fewer. Progress is 0, 50 or 100, attempts go up to the limit,
 * and counters that influence no decision are left out.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { FLOW, hour } from "../test/sample.ts";
import { failure } from "./error.ts";
import { isFinal, type Report, type ReportStatus } from "./report.ts";
import { type Decision, decide, isPastDeadline, type Signal, TRANSITIONS } from "./state.ts";
import { isEnded, newTask, type Task, type TaskStatus } from "./task.ts";
import { TIMINGS } from "./timing.ts";

const NOW = 1_800_000_000_000;
const AGES_AGO = NOW - 1_000 * hour;
/** A limit of two look-up misses is enough to explore a count below the limit and the limit itself. */
const CTX = { now: NOW, timings: { ...TIMINGS, missingLimit: 2 } };

/** Auxiliary state: facts that are needed for the checks but not stored on the task. */
interface Auxiliary {
  /** Highest attempt claimed so far. Only claimed attempts have a callback token. */
  claimed: number;
  /** True if a submission was made and nothing has shown since that it may be made again. */
  submitted: boolean;
  /** True if a modal answer was sent and nothing has shown since that it may be sent again. */
  answered: boolean;
  /** The attempt whose modal was answered; 0 if none. Only for this attempt can a modal answer have an outcome. */
  answeredAttempt: number;
  /** True if the vendor has idempotency keys. */
  repeats: boolean;
}

interface Node {
  task: Task;
  auxiliary: Auxiliary;
}

interface Step {
  from: Node;
  signal: Signal | "tick";
  decision?: Decision;
  to: Node;
}

// ── signals ────────────────────────────────────────────────────────────────────────────────────────────────

const result = {};
const picture = { imageUrl: "https://x/1.png" };
function reports(attempt: number): Report[] {
  const vendorTaskId = `v${attempt}`;
  const plain = (["NOT_START", "MODAL", "FAILURE", "CANCEL"] as ReportStatus[]).map((status) => ({
    status,
    vendorTaskId,
    result,
  }));
  const moving = [0, 50, 100].map((progress) => ({ status: "IN_PROGRESS" as const, progress, vendorTaskId, result }));
  const unnamed = (["SUBMITTED", "SUCCESS"] as ReportStatus[]).map((status) => ({ status, result }));
  const pictured = { status: "SUCCESS" as const, vendorTaskId, result: picture };
  return [...plain, ...moving, ...unnamed, pictured, { unknownStatus: "ODD", vendorTaskId, result }];
}

const always: Signal[] = [
  { kind: "claim", call: "submit" },
  { kind: "postponed", byMs: 60_000 },
  { kind: "claim", call: "modal" },
  { kind: "lookupMiss" },
  { kind: "due" },
  { kind: "due", canSearch: true },
  { kind: "followUpsStarted" },
  { kind: "adopt" },
  { kind: "adoptionDone" },
  { kind: "retried" },
  { kind: "answer", modal: {} },
  { kind: "cancel" },
  { kind: "abandon", failure: failure("dead_letter") },
  { kind: "abandon", failure: failure("deadline_passed") },
];

/** At a vendor with idempotency keys. The other signals still come, too: the flow may be canceled, which ends the repetitions. */
const repetitions: Signal[] = [
  { kind: "claim", call: "submit", repeat: true },
  { kind: "claim", call: "modal", repeat: true },
  { kind: "due", canRepeat: true },
  ...[1, 2].flatMap((attempt) =>
    (["submit", "modal"] as const).map((call): Signal => ({ kind: "unclear", attempt, call, canRepeat: true })),
  ),
];

function ofAttempt(attempt: number): Signal[] {
  const vendorTaskId = `v${attempt}`;
  const allReports = reports(attempt).flatMap((report): Signal[] => [
    { kind: "report", attempt, from: "callback", report },
    { kind: "report", attempt, from: "lookup", report },
  ]);
  // The look-up was made for an older revision than the current one.
  const outdated = (["MODAL", "SUBMITTED"] as const).map(
    (status): Signal => ({ kind: "report", attempt, from: "lookup", rev: -1, report: { status, result } }),
  );
  // Outcomes from a worker name their call, and another worker may have made a later call since.
  const outcomes = (["submit", "modal"] as const).flatMap((call): Signal[] => [
    { kind: "accepted", attempt, call, vendorTaskId, expect: "calling" },
    { kind: "refused", attempt, call, failure: failure("vendor_refused") },
    { kind: "busy", attempt, call, chance: 0 },
    { kind: "unclear", attempt, call },
  ]);
  // Outcomes from a fallback queue message do not name their call.
  const fromQueue: Signal[] = [
    { kind: "accepted", attempt, vendorTaskId, expect: "calling" },
    { kind: "modalOpened", attempt, vendorTaskId },
  ];
  return [...fromQueue, ...outcomes, ...allReports, ...outdated];
}
const byAttempt = [1, 2, 3].map(ofAttempt);

/** Returns the nodes in which one of the times that `decide` reads has passed. */
function ticks({ task, auxiliary }: Node): Node[] {
  if (isEnded(task) && task.due === undefined) return [];
  const later: Partial<Task>[] = [];
  if (task.due !== undefined && task.due > NOW) later.push({ due: NOW - 1 });
  if (task.leaseUntil !== undefined && task.leaseUntil > NOW) later.push({ leaseUntil: NOW - 1 });
  if (task.createdAt === NOW) later.push({ createdAt: AGES_AGO });
  if (task.submittedAt === NOW) later.push({ submittedAt: AGES_AGO });
  if (task.unclearSince === NOW) later.push({ unclearSince: AGES_AGO });
  return later.map((patch) => ({ task: { ...task, ...patch }, auxiliary }));
}

// ── reduction of states ─────────────────────────────────────────────────────────────────────────────────────────────────────

function reduce(task: Task): Task {
  const at = (time: number | undefined) => (time === undefined ? undefined : time > NOW ? NOW + hour : NOW - 1);
  const next: Task = {
    ...task,
    due: at(task.due),
    leaseUntil: at(task.leaseUntil),
    updatedAt: NOW,
    busyAnswers: 0,
    callbacks: 0,
    lookups: 0,
    duplicates: 0,
    unknownStatus: undefined,
    ...(task.orphans && { orphans: task.orphans.map((o) => ({ ...o, at: NOW })) }),
    ...(task.late && {
      late: task.late.status === "SUCCESS" ? { ...task.late, at: NOW } : { status: "another", at: NOW },
    }),
    ...(task.resultUpdatedAt && { resultUpdatedAt: undefined }),
    // Only the sweeper reads the age of an unclear call.
    ...(task.unclearSince && task.status === "SUBMITTING" && { unclearSince: NOW }),
  };
  // The following fields are reset, because no decision reads them in the later statuses.
  const mayBeSentAgain = next.phase === "submit" && ["PENDING", "SUBMITTING", "UNCLEAR"].includes(next.status);
  if (!mayBeSentAgain) next.resubmit = undefined;
  if (next.status === "SUBMITTED") return { ...next, createdAt: NOW, ...(next.phase === "modal" && { modals: 0 }) };
  const past = { createdAt: NOW, modal: undefined, modals: 0, phase: "submit" as const };
  if (next.status === "IN_PROGRESS") return { ...next, ...past };
  return isEnded(next) ? { ...next, ...past, submittedAt: undefined, lookupMisses: 0, progress: 0 } : next;
}

/**
 * Returns the key of a node. It is short, because it is built for every signal. A time is unset, passed or in the
 * future.
 */
function keyOf({ task: t, auxiliary: a }: Node): string {
  const at = (time: number | undefined) => (time === undefined ? "-" : time > NOW ? "+" : time < NOW ? "0" : "=");
  const bit = (value: unknown) => (value ? "1" : "0");
  let orphans = "";
  for (const o of t.orphans ?? []) orphans += `${o.attempt}${o.vendorTaskId ?? "?"}`;
  const times = at(t.due) + at(t.leaseUntil) + at(t.createdAt) + at(t.submittedAt) + at(t.unclearSince);
  const bits =
    bit(t.modal) + bit(t.then) + bit(t.resubmit) + bit(t.late) + bit(a.submitted) + bit(a.answered) + bit(a.repeats);
  const counts = `${t.attempt}${t.modals}${t.lookupMisses}${a.claimed}${a.answeredAttempt}${t.endedBy ?? "-"}${t.phase[0]}`;
  const late =
    t.late?.status === "SUCCESS" ? `L${t.late.attempt}${t.late.vendorTaskId}${bit(t.late.result?.imageUrl)}` : "";
  const ended = isEnded(t)
    ? `${bit(t.result?.imageUrl)}${bit(t.retried)}${bit(t.failure?.code === "canceled")}${t.pendingEffects ?? ""}`
    : "";
  return `${t.status}${counts}${times}${bits}${t.progress}${t.vendorTaskId}${t.vendorTaskIdFrom}${orphans}${late}${ended}`;
}

// ── exploration ────────────────────────────────────────────────────────────────────────────────────────────────────────

function starts(): Node[] {
  const base = { flowId: FLOW, path: "0", action: "IMAGINE", provider: "sim", account: "default" };
  const modal = { modal: {}, then: [{ press: "U1" }] };
  const nothing = { claimed: 0, submitted: false, answered: false, answeredAttempt: 0 };
  const startOf = (more: Partial<Task>, repeats: boolean): Node => ({
    task: reduce(newTask({ ...base, pace: "fast", ...more }, NOW, NOW + hour)),
    auxiliary: { ...nothing, repeats },
  });
  return [
    startOf({}, false),
    startOf(modal, false),
    startOf({ resubmit: "never" }, false),
    startOf({ modal: {} }, true),
  ];
}

function auxiliaryAfter({ task, auxiliary }: Node, signal: Signal, decision: Decision, next: Task): Auxiliary {
  if (decision.kind === "ignore") return auxiliary;
  const claimed = Math.max(auxiliary.claimed, next.attempt);
  // No call can follow in these statuses; the checks against `TRANSITIONS` prove it.
  if (next.status === "IN_PROGRESS" || isEnded(next))
    return { ...auxiliary, claimed, submitted: false, answered: false, answeredAttempt: 0 };
  const called = decision.effects.some((effect) => effect.kind === "call");
  let { submitted, answered, answeredAttempt } = auxiliary;
  if (called && next.phase === "submit") submitted = true;
  if (called && next.phase === "modal") {
    answered = true;
    answeredAttempt = next.attempt;
  }
  // The repetition of an unclear call was busy, so the call itself is still unclear.
  if (signal.kind === "busy" && next.unclearSince === undefined) {
    if (signal.call === "submit") submitted = false;
    else answered = false;
  }
  const isUnclear = task.status === "UNCLEAR";
  // The grace period is over and no look-up is possible, or a look-up missed the task.
  if (isUnclear && task.phase === "submit" && (signal.kind === "lookupMiss" || signal.kind === "due"))
    submitted = false;
  if (isUnclear && signal.kind === "report" && signal.from === "lookup" && signal.report.status === "MODAL")
    answered = false;
  // No submission can follow from here either.
  if (next.status === "SUBMITTED" || next.status === "MODAL" || next.phase === "modal") submitted = false;
  return { ...auxiliary, claimed, submitted, answered, answeredAttempt };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

const nodes = new Map<string, Node>();
const usedTransitions = new Set<string>();
/**
 * Predecessors of each node over steps that need no vendor response and no app: time, sweeper, queue, look-up misses.
 */
const predecessors = new Map<string, string[]>();
const violations: string[] = [];
let signalCount = 0;

function explore(): void {
  const frontier: [string, Node][] = [];
  const visit = (node: Node): string => {
    const key = keyOf(node);
    if (!nodes.has(key)) {
      freeze(node.task);
      nodes.set(key, node);
      frontier.push([key, node]);
    }
    return key;
  };
  starts().map(visit);
  for (let at = 0; at < frontier.length && violations.length < 3; at++) {
    const [key, from] = frontier[at]!;
    for (const to of ticks(from)) link(key, visit(to));
    const signals = byAttempt.slice(0, from.auxiliary.claimed).flat();
    const repeated = from.auxiliary.repeats ? repetitions : [];
    for (const signal of [...always, ...repeated, ...signals]) {
      if ("attempt" in signal && signal.attempt > from.auxiliary.claimed) continue;
      if ("call" in signal && signal.call === "modal" && "attempt" in signal) {
        if (signal.attempt !== from.auxiliary.answeredAttempt) continue;
      }
      const decision = decide(from.task, signal, CTX);
      signalCount++;
      if (decision.kind === "ignore") continue;
      const to = { task: reduce(decision.next), auxiliary: auxiliaryAfter(from, signal, decision, decision.next) };
      if (decision.kind === "move") usedTransitions.add(`${from.task.status} ${decision.next.status}`);
      check({ from, signal, decision, to });
      const toKey = visit(to);
      if (needsNoResponse(from.task, signal)) link(key, toKey);
    }
  }
}

function link(from: string, to: string): void {
  if (from === to) return;
  const known = predecessors.get(to);
  if (known) known.push(from);
  else predecessors.set(to, [from]);
}

function needsNoResponse(task: Task, signal: Signal): boolean {
  if (signal.kind === "abandon") return signal.failure.code === "deadline_passed" && isPastDeadline(task, CTX);
  return signal.kind === "due" || signal.kind === "claim" || signal.kind === "lookupMiss";
}

// ── checks ─────────────────────────────────────────────────────────────────────────────────────────────────

const RANK: Record<TaskStatus, number> = {
  PENDING: 0,
  SUBMITTING: 0,
  UNCLEAR: 0,
  SUBMITTED: 1,
  MODAL: 2,
  IN_PROGRESS: 3,
  SUCCESS: 4,
  FAILURE: 4,
  CANCEL: 4,
  EXPIRED: 4,
};

function check({ from, signal, decision, to }: Step): void {
  if (signal === "tick" || !decision || decision.kind === "ignore") return;
  const { task, auxiliary } = from;
  const { next, effects } = decision;
  const must = (rule: string, holds: boolean) => {
    if (!holds && violations.length < 3)
      violations.push(`${rule}: ${JSON.stringify({ task, auxiliary, signal, next })}`);
  };
  const has = (kind: string) => effects.some((effect) => effect.kind === kind);

  if (isEnded(task) && next.status !== task.status) {
    must("T1: only the signal adopt changes the status of an ended task", signal.kind === "adopt");
    must("T1: only a late success is adopted", next.status === "SUCCESS" && task.late?.status === "SUCCESS");
    must("T1: an adopted success has the result of the late report", !!next.result?.imageUrl && !next.failure);
    must("T1: a task that the app retried adopts nothing", !task.retried);
    must("T1: the earlier end stays visible", next.late?.status === task.status);
    must("T4: an adopted task stays due until its flow runs again", next.pendingEffects?.includes("adopt") === true);
  } else if (isEnded(task)) {
    must("T1: an ended task keeps its end", next.endedAt === task.endedAt && next.endedBy === task.endedBy);
    must("T1: an ended task keeps its failure", next.failure === task.failure);
    must(
      "T1: an ended task keeps its result; only a missing picture is added",
      next.result === task.result || (!task.result?.imageUrl && !!next.result?.imageUrl && task.status === "SUCCESS"),
    );
  }
  if (isEnded(task)) {
    must("T1: an ended task causes no further payment", !has("call") && !has("enqueue") && !has("lookup"));
  }
  must("T2: progress never goes back", next.progress >= task.progress);
  if (signal.kind === "report") must("T2: a report never lowers the status", RANK[next.status] >= RANK[task.status]);
  if (isEnded(next))
    must(
      "T4: an ended task has a due time only for its follow-ups and for a late success",
      next.due === undefined ||
        (next.status === "SUCCESS" && !!next.then) ||
        (next.late !== undefined && next.pendingEffects?.includes("adopt") === true),
    );
  else must("T4: a waiting task has a due time", next.due !== undefined);
  // A report that ends the task sets its own attempt and the id of that attempt.
  if (!isEnded(task) && isEnded(next) && signal.kind === "report" && isFinal(signal.report.status)) {
    must("an end names the attempt of its report", next.endedBy === signal.attempt);
  }
  if (next.endedBy !== undefined && next.vendorTaskId !== undefined) {
    must("the id belongs to the attempt that ended it", next.vendorTaskId.slice(1) === String(next.endedBy));
  }
  if (next.endedBy !== undefined) {
    must("the attempt that ended the task is not an orphan", !next.orphans?.some((o) => o.attempt === next.endedBy));
  }

  if (has("call")) {
    must(
      "P1: the claim is saved with a lease before the call",
      next.status === "SUBMITTING" && (next.leaseUntil ?? 0) > NOW && signal.kind === "claim",
    );
    must("P5: no call is made while another lease exists", task.leaseUntil === undefined);
    const isRepeat = signal.kind === "claim" && signal.repeat === true && task.status === "UNCLEAR";
    if (next.phase === "submit") {
      must("P1: the claim raises the attempt by one", isRepeat || next.attempt === task.attempt + 1);
      must("P3: a repetition has the key of its call", !isRepeat || next.attempt === task.attempt);
      must("P3: an unresolved submission is not sent again with another key", isRepeat || !auxiliary.submitted);
      must(
        "P3: an attempt that is known to run is not sent again",
        !task.orphans?.some((o) => o.attempt === task.attempt),
      );
    } else {
      must("P3: an answered modal is not answered again", isRepeat || !auxiliary.answered);
      must(
        "an answer is sent only to an open modal",
        isRepeat || (task.status === "MODAL" && task.modal !== undefined),
      );
    }
  }
  must(
    "attempts stay within the limit",
    next.attempt <= TIMINGS.attemptLimit && to.auxiliary.claimed <= TIMINGS.attemptLimit,
  );
  if (has("call") && next.phase === "submit" && task.resubmit === "never")
    must("a task with resubmit never has only one attempt", next.attempt === 1);
  const olderStillRuns = task.orphans?.some((o) => o.attempt === task.attempt - 1 && o.vendorTaskId !== undefined);
  if (olderStillRuns && isEnded(next) && !isEnded(task) && task.phase === "submit") {
    const giveUpSignals: Signal["kind"][] = ["refused", "busy", "lookupMiss", "unclear"];
    const isGivenUp = giveUpSignals.includes(signal.kind) && task.status !== "SUBMITTED";
    must(
      "P3: an older attempt that is known to run is not abandoned with its successor",
      !isGivenUp || task.status === "IN_PROGRESS",
    );
  }
  if (signal.kind === "report" && signal.rev !== undefined && task.phase === "modal" && task.status === "UNCLEAR") {
    must("an outdated look-up proves nothing about our modal answer", next.status === task.status);
  }
  must("a task that reached its modal is not submitted again", next.status !== "PENDING" || task.phase === "submit");
  if (signal.kind === "cancel") {
    must("a task that a vendor has or may have is not canceled", ["PENDING", "MODAL"].includes(task.status));
    must("an unresolved submission is not canceled", task.status === "MODAL" || !auxiliary.submitted);
    must(
      "a canceled task has the status CANCEL and the failure code canceled",
      next.status === "CANCEL" && next.failure?.code === "canceled",
    );
  }
  must("modal answers stay within the limit", next.modals <= TIMINGS.attemptLimit);
  must("a lease exists only in SUBMITTING", next.leaseUntil === undefined || next.status === "SUBMITTING");
  if (has("follow")) must("follow-ups start only after a success", next.status === "SUCCESS" && !!next.then);
  if (has("enqueue"))
    must(
      "a message is sent only for a task that a worker can claim",
      next.status === "PENDING" || !!next.modal || (next.status === "UNCLEAR" && next.unclearSince !== undefined),
    );
  if (decision.kind === "record") must("a record does not change the status", next.status === task.status);
}

describe("exhaustive state exploration", () => {
  beforeAll(() => {
    const startedAt = performance.now();
    explore();
    console.info(
      `explored ${nodes.size} states, ${signalCount} signals in ${Math.round(performance.now() - startedAt)} ms`,
    );
  }, 180_000);

  it("T1, T2, T4, P1, P3 and P5 hold for every signal in every reachable state", () => {
    expect(violations).toEqual([]);
    expect(nodes.size).toBeGreaterThan(1_000);
  });

  it("only the transitions in TRANSITIONS occur, and each of them occurs", () => {
    const table = Object.entries(TRANSITIONS).flatMap(([from, tos]) => tos.map((to) => `${from} ${to}`));
    expect([...usedTransitions].filter((pair) => !table.includes(pair))).toEqual([]);
    expect(table.filter((pair) => !usedTransitions.has(pair))).toEqual([]);
  });

  it("every state can reach an end with only time, sweeper, queue and look-up misses, so no task hangs", () => {
    const ending = [...nodes].filter(([, { task }]) => isEnded(task)).map(([key]) => key);
    const safe = new Set(ending);
    for (let at = 0; at < ending.length; at++) {
      for (const before of predecessors.get(ending[at]!) ?? []) {
        if (!safe.has(before)) {
          safe.add(before);
          ending.push(before);
        }
      }
    }
    expect([...nodes.keys()].filter((key) => !safe.has(key)).slice(0, 5)).toEqual([]);
  });

  it("the sweeper acts on every overdue task that has not ended", () => {
    for (const { task } of nodes.values()) {
      if (isEnded(task) || (task.due ?? 0) > NOW) continue;
      expect(decide(task, { kind: "due" }, CTX).kind, task.status).not.toBe("ignore");
      expect(decide(task, { kind: "due", canSearch: true }, CTX).kind, task.status).not.toBe("ignore");
    }
  });

  // The vendor with idempotency keys has three of seven parts of the states.
  it("there are few enough states to explore at every push", () => {
    expect(nodes.size).toBeLessThan(20_000);
    expect(signalCount).toBeLessThan(1_500_000);
  });
});
