/**
 * Every state a task can reach, breadth first, nothing sampled: what TLA+ would do, in TypeScript over the production code.
 *
 * Times are quantised to what `decide` asks of them: is it due, does the lease hold, is it too old to wait, past its
 * deadline. Each of these may turn at any moment and independently, so more orders are walked than can happen, never fewer.
 * Progress is 0, 50 or 100, attempts go up to the limit, counters that decide nothing are left out.
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
/** Two look-ups in a row that find nothing are enough to see the row and its end. */
const CTX = { now: NOW, timings: { ...TIMINGS, missingLimit: 2 } };

/** What is true of the world and not written on the task. */
interface Ghost {
  /** Attempts claimed so far: only they have a hook token. */
  minted: number;
  /** A submission is out, and nothing has said yet that it may be made again. */
  out: boolean;
  /** The window was answered, and nothing has said yet that it may be answered again. */
  answered: boolean;
  /** The attempt whose window was ever answered: only of that one can an answer to an answer come. */
  answeredOf: number;
}

interface Node {
  task: Task;
  ghost: Ghost;
}

interface Step {
  from: Node;
  signal: Signal | "tick";
  decision?: Decision;
  to: Node;
}

// ── what can happen ────────────────────────────────────────────────────────────────────────────────────────────────

const result = {};
function reports(attempt: number): Report[] {
  const vendorTaskId = `v${attempt}`;
  const plain = (["NOT_START", "MODAL", "SUCCESS", "FAILURE", "CANCEL"] as ReportStatus[]).map((status) => ({
    status,
    vendorTaskId,
    result,
  }));
  const moving = [0, 50, 100].map((progress) => ({ status: "IN_PROGRESS" as const, progress, vendorTaskId, result }));
  const unnamed = (["SUBMITTED", "SUCCESS"] as ReportStatus[]).map((status) => ({ status, result }));
  return [...plain, ...moving, ...unnamed, { unknownStatus: "ODD", vendorTaskId, result }];
}

const always: Signal[] = [
  { kind: "claim", call: "submit" },
  { kind: "claim", call: "modal" },
  { kind: "lookupMiss" },
  { kind: "due" },
  { kind: "due", canSearch: true },
  { kind: "followUpsStarted" },
  { kind: "answer", modal: {} },
  { kind: "cancel" },
  { kind: "abandon", failure: failure("dead_letter") },
  { kind: "abandon", failure: failure("deadline_passed") },
];

function ofAttempt(attempt: number): Signal[] {
  const vendorTaskId = `v${attempt}`;
  const told = reports(attempt).flatMap((report): Signal[] => [
    { kind: "report", attempt, from: "callback", report },
    { kind: "report", attempt, from: "lookup", report },
  ]);
  // Asked of an older revision than the one it meets.
  const outdated = (["MODAL", "SUBMITTED"] as const).map(
    (status): Signal => ({ kind: "report", attempt, from: "lookup", rev: -1, report: { status, result } }),
  );
  // Answers kept by the queue do not say which call they answer; a worker's do, and may be another worker's by then.
  const answers = (["submit", "modal"] as const).flatMap((call): Signal[] => [
    { kind: "accepted", attempt, call, vendorTaskId, expect: "calling" },
    { kind: "refused", attempt, call, failure: failure("vendor_refused") },
    { kind: "busy", attempt, call, chance: 0 },
    { kind: "unclear", attempt, call },
  ]);
  const kept: Signal[] = [
    { kind: "accepted", attempt, vendorTaskId, expect: "calling" },
    { kind: "modalOpened", attempt, vendorTaskId },
  ];
  return [...kept, ...answers, ...told, ...outdated];
}
const byAttempt = [1, 2, 3].map(ofAttempt);

/** Any clock that `decide` reads may run out next. */
function ticks({ task, ghost }: Node): Node[] {
  if (isEnded(task) && task.due === undefined) return [];
  const later: Partial<Task>[] = [];
  if (task.due !== undefined && task.due > NOW) later.push({ due: NOW - 1 });
  if (task.leaseUntil !== undefined && task.leaseUntil > NOW) later.push({ leaseUntil: NOW - 1 });
  if (task.createdAt === NOW) later.push({ createdAt: AGES_AGO });
  if (task.submittedAt === NOW) later.push({ submittedAt: AGES_AGO });
  return later.map((patch) => ({ task: { ...task, ...patch }, ghost }));
}

// ── quantising ─────────────────────────────────────────────────────────────────────────────────────────────────────

function quantised(task: Task): Task {
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
    ...(task.late && { late: { status: "another", at: NOW } }),
  };
  // What the decisions of a task that has come this far no longer read.
  const mayBeSentAgain = next.phase === "submit" && ["PENDING", "SUBMITTING", "UNCLEAR"].includes(next.status);
  if (!mayBeSentAgain) next.resubmit = undefined;
  if (next.status === "SUBMITTED") return { ...next, createdAt: NOW, ...(next.phase === "modal" && { modals: 0 }) };
  const past = { createdAt: NOW, modal: undefined, modals: 0, phase: "submit" as const };
  if (next.status === "IN_PROGRESS") return { ...next, ...past };
  return isEnded(next) ? { ...next, ...past, submittedAt: undefined, lookupMisses: 0, progress: 0 } : next;
}

/** One letter a field, for it is made for every signal. A time is absent, over, or still to come. */
function keyOf({ task: t, ghost: g }: Node): string {
  const at = (time: number | undefined) => (time === undefined ? "-" : time > NOW ? "+" : time < NOW ? "0" : "=");
  const bit = (value: unknown) => (value ? "1" : "0");
  let orphans = "";
  for (const o of t.orphans ?? []) orphans += `${o.attempt}${o.vendorTaskId ?? "?"}`;
  const times = at(t.due) + at(t.leaseUntil) + at(t.createdAt) + at(t.submittedAt);
  const bits = bit(t.modal) + bit(t.then) + bit(t.resubmit) + bit(t.late) + bit(g.out) + bit(g.answered);
  const counts = `${t.attempt}${t.modals}${t.lookupMisses}${g.minted}${g.answeredOf}${t.endedBy ?? "-"}${t.phase[0]}`;
  return `${t.status}${counts}${times}${bits}${t.progress}${t.vendorTaskId}${t.vendorTaskIdFrom}${orphans}`;
}

// ── walking ────────────────────────────────────────────────────────────────────────────────────────────────────────

function starts(): Node[] {
  const base = { flowId: FLOW, path: "0", action: "IMAGINE", provider: "sim", account: "default" };
  return [{}, { modal: {}, then: [{ press: "U1" }] }, { resubmit: "never" as const }].map((more) => ({
    task: quantised(newTask({ ...base, pace: "fast", ...more }, NOW, NOW + hour)),
    ghost: { minted: 0, out: false, answered: false, answeredOf: 0 },
  }));
}

function haunted({ task, ghost }: Node, signal: Signal, decision: Decision, next: Task): Ghost {
  if (decision.kind === "ignore") return ghost;
  const minted = Math.max(ghost.minted, next.attempt);
  // From here no way leads back to a call; the checks of the table of moves say so.
  if (next.status === "IN_PROGRESS" || isEnded(next)) return { minted, out: false, answered: false, answeredOf: 0 };
  const called = decision.effects.some((effect) => effect.kind === "call");
  let { out, answered, answeredOf } = ghost;
  if (called && next.phase === "submit") out = true;
  if (called && next.phase === "modal") {
    answered = true;
    answeredOf = next.attempt;
  }
  if (signal.kind === "busy") {
    if (signal.call === "submit") out = false;
    else answered = false;
  }
  const inDoubt = task.status === "UNCLEAR";
  // Nobody to ask, and the grace is over; or asked, and not found.
  if (inDoubt && task.phase === "submit" && (signal.kind === "lookupMiss" || signal.kind === "due")) out = false;
  if (inDoubt && signal.kind === "report" && signal.from === "lookup" && signal.report.status === "MODAL")
    answered = false;
  // Nor back to a submission from here.
  if (next.status === "SUBMITTED" || next.status === "MODAL" || next.phase === "modal") out = false;
  return { minted, out, answered, answeredOf };
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

const nodes = new Map<string, Node>();
const moves = new Set<string>();
/** Ways back along what needs no vendor answer and no app: time, the sweeper, the queue, "not found". */
const backAlone = new Map<string, string[]>();
const broken: string[] = [];
let transitions = 0;

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
  for (let at = 0; at < frontier.length && broken.length < 3; at++) {
    const [key, from] = frontier[at]!;
    for (const to of ticks(from)) link(key, visit(to));
    const signals = byAttempt.slice(0, from.ghost.minted).flat();
    for (const signal of [...always, ...signals]) {
      if ("call" in signal && signal.call === "modal" && "attempt" in signal) {
        if (signal.attempt !== from.ghost.answeredOf) continue;
      }
      const decision = decide(from.task, signal, CTX);
      transitions++;
      if (decision.kind === "ignore") continue;
      const to = { task: quantised(decision.next), ghost: haunted(from, signal, decision, decision.next) };
      if (decision.kind === "move") moves.add(`${from.task.status} ${decision.next.status}`);
      check({ from, signal, decision, to });
      const toKey = visit(to);
      if (isAlone(from.task, signal)) link(key, toKey);
    }
  }
}

function link(from: string, to: string): void {
  if (from === to) return;
  const back = backAlone.get(to);
  if (back) back.push(from);
  else backAlone.set(to, [from]);
}

function isAlone(task: Task, signal: Signal): boolean {
  if (signal.kind === "abandon") return signal.failure.code === "deadline_passed" && isPastDeadline(task, CTX);
  return signal.kind === "due" || signal.kind === "claim" || signal.kind === "lookupMiss";
}

// ── what must hold ─────────────────────────────────────────────────────────────────────────────────────────────────

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
  const { task, ghost } = from;
  const { next, effects } = decision;
  const must = (rule: string, holds: boolean) => {
    if (!holds && broken.length < 3) broken.push(`${rule}: ${JSON.stringify({ task, ghost, signal, next })}`);
  };
  const has = (kind: string) => effects.some((effect) => effect.kind === kind);

  if (isEnded(task)) {
    must("T1 status", next.status === task.status && next.endedAt === task.endedAt && next.endedBy === task.endedBy);
    must("T1 outcome", next.result === task.result && next.failure === task.failure);
    must("T1 nothing more is paid", !has("call") && !has("enqueue") && !has("lookup"));
  }
  must("T2 progress", next.progress >= task.progress);
  if (signal.kind === "report") must("T2 status", RANK[next.status] >= RANK[task.status]);
  if (isEnded(next)) must("T4 ended", next.due === undefined || (next.status === "SUCCESS" && !!next.then));
  else must("T4 waiting", next.due !== undefined);
  // A report that made the task end does so with its own attempt, and that attempt's id.
  if (!isEnded(task) && isEnded(next) && signal.kind === "report" && isFinal(signal.report.status)) {
    must("an end names its attempt", next.endedBy === signal.attempt);
  }
  if (next.endedBy !== undefined && next.vendorTaskId !== undefined) {
    must("the id belongs to the attempt that ended it", next.vendorTaskId.slice(1) === String(next.endedBy));
  }
  if (next.endedBy !== undefined) {
    must("the winner is no orphan", !next.orphans?.some((o) => o.attempt === next.endedBy));
  }

  if (has("call")) {
    must("P1 saved before", next.status === "SUBMITTING" && (next.leaseUntil ?? 0) > NOW && signal.kind === "claim");
    must("P5 no lease is overtaken", task.leaseUntil === undefined);
    if (next.phase === "submit") {
      must("P1 attempt", next.attempt === task.attempt + 1);
      must("P3 nothing unresolved is sent again", !ghost.out);
      must("P3 nothing known to run is sent again", !task.orphans?.some((o) => o.attempt === task.attempt));
    } else {
      must("P3 an answered window is not answered again", !ghost.answered);
      must("an answer is sent to an open window", task.status === "MODAL" && task.modal !== undefined);
    }
  }
  must(
    "attempts stay within the limit",
    next.attempt <= TIMINGS.attemptLimit && to.ghost.minted <= TIMINGS.attemptLimit,
  );
  if (has("call") && next.phase === "submit" && task.resubmit === "never")
    must("never means never", next.attempt === 1);
  const runsStill = task.orphans?.some((o) => o.attempt === task.attempt - 1 && o.vendorTaskId !== undefined);
  if (runsStill && isEnded(next) && !isEnded(task) && task.phase === "submit") {
    const given = ["refused", "busy", "missing", "unclear"].includes(signal.kind) && task.status !== "SUBMITTED";
    must("P3 what is known to run is not given up with its successor", !given || task.status === "IN_PROGRESS");
  }
  if (signal.kind === "report" && signal.rev !== undefined && task.phase === "modal" && task.status === "UNCLEAR") {
    must("an outdated look-up proves nothing of our answer", next.status === task.status);
  }
  must("what came to its window is not submitted anew", next.status !== "PENDING" || task.phase === "submit");
  if (signal.kind === "cancel") {
    must("what a vendor has, or may have, is not called off", ["PENDING", "MODAL"].includes(task.status));
    must("nothing unresolved is called off", task.status === "MODAL" || !ghost.out);
    must("called off is ended, and typed", next.status === "CANCEL" && next.failure?.code === "canceled");
  }
  must("answers stay within the limit", next.modals <= TIMINGS.attemptLimit);
  must("a lease is held only while submitting", next.leaseUntil === undefined || next.status === "SUBMITTING");
  if (has("follow")) must("follow-ups only after success", next.status === "SUCCESS" && !!next.then);
  if (has("enqueue")) must("a message only for what a worker can take", next.status === "PENDING" || !!next.modal);
  if (decision.kind === "record") must("a record moves nothing", next.status === task.status);
}

describe("every reachable state of a task", () => {
  beforeAll(() => {
    const began = performance.now();
    explore();
    console.info(
      `explored ${nodes.size} states, ${transitions} signals in ${Math.round(performance.now() - began)} ms`,
    );
  }, 60_000);

  it("keeps T1, T2, T4, P1, P3 and P5 at every signal", () => {
    expect(broken).toEqual([]);
    expect(nodes.size).toBeGreaterThan(1_000);
  });

  it("is reached by the moves in the table, and each move in the table is used", () => {
    const table = Object.entries(TRANSITIONS).flatMap(([from, tos]) => tos.map((to) => `${from} ${to}`));
    expect([...moves].filter((pair) => !table.includes(pair))).toEqual([]);
    expect(table.filter((pair) => !moves.has(pair))).toEqual([]);
  });

  it("can come to an end by time, the sweeper, the queue and 'not found' alone: no task hangs", () => {
    const ending = [...nodes].filter(([, { task }]) => isEnded(task)).map(([key]) => key);
    const safe = new Set(ending);
    for (let at = 0; at < ending.length; at++) {
      for (const before of backAlone.get(ending[at]!) ?? []) {
        if (!safe.has(before)) {
          safe.add(before);
          ending.push(before);
        }
      }
    }
    expect([...nodes.keys()].filter((key) => !safe.has(key)).slice(0, 5)).toEqual([]);
  });

  it("is found by the sweeper: whatever is overdue and not ended is acted upon", () => {
    for (const { task } of nodes.values()) {
      if (isEnded(task) || (task.due ?? 0) > NOW) continue;
      expect(decide(task, { kind: "due" }, CTX).kind, task.status).not.toBe("ignore");
      expect(decide(task, { kind: "due", canSearch: true }, CTX).kind, task.status).not.toBe("ignore");
    }
  });

  it("are few enough to be walked at every push", () => {
    expect(nodes.size).toBeLessThan(10_000);
    expect(transitions).toBeLessThan(800_000);
  });
});
