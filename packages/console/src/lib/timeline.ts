/** The rows of a flow's timeline, and where its time went. Pure. */
import type { Task } from "@mjflow/client";
import type { FlowNode } from "./flow-plan.ts";
import { layout } from "./tree.ts";

export interface TimelineRow {
  node: FlowNode;
  depth: number;
  /** Times in ms since the first task was created; unset if they have not happened. A running task ends now. */
  startMs: number | undefined;
  /** Begin of the last call to the vendor. Unset also if the server does not know it: then the task is queued until it is accepted. */
  submittingMs: number | undefined;
  submittedMs: number | undefined;
  endMs: number | undefined;
}

/** Where the time of the task that ended last went, with the tasks that led to it, ms. */
export interface TimeSums {
  queuedMs: number;
  submittingMs: number;
  drawingMs: number;
  /** Between the end of a task and its follow-up. */
  followUpMs: number;
}

export interface Timeline {
  rows: TimelineRow[];
  totalMs: number;
  /** Times with a label on the axis, ms. */
  marks: number[];
  /** Now, ms; unset if no task runs. */
  nowMs: number | undefined;
  sums: TimeSums;
}

const MARKS = 6;
/** Room after the last bar, for its label; and after now, for the steps that are still planned. */
const ROOM = { label: 1.08, planned: 1.2 };

export function timelineOf(nodes: readonly FlowNode[], nowMs: number): Timeline {
  const tasks = nodes.flatMap(({ task }) => (task ? [task] : []));
  const origin = Math.min(nowMs, ...tasks.map(({ createdAt }) => Date.parse(createdAt)));
  const rows = layout(nodes).positioned.map(({ node, depth }) => ({
    node,
    depth,
    ...timesOf(node.task, origin, nowMs),
  }));
  const isRunning = tasks.some(({ endedAt }) => endedAt === null);
  const isPlanned = isRunning && nodes.some(({ step }) => step?.status === "planned");
  const totalMs = Math.max(1_000, ...rows.map(({ endMs = 0 }) => endMs)) * (isPlanned ? ROOM.planned : ROOM.label);
  return {
    rows,
    totalMs,
    marks: marksOf(totalMs),
    nowMs: isRunning ? nowMs - origin : undefined,
    sums: sumsOf(rows),
  };
}

function timesOf(task: Task | undefined, origin: number, nowMs: number) {
  if (!task) return { startMs: undefined, submittingMs: undefined, submittedMs: undefined, endMs: undefined };
  const since = (iso: string | null | undefined) => (iso ? Math.max(0, Date.parse(iso) - origin) : undefined);
  const submittingMs = since(task.submittingAt);
  // While a modal answer is sent, `submittedAt` is not the time of its acceptance yet.
  const acceptedMs = task.status === "SUBMITTING" ? undefined : since(task.submittedAt);
  // A callback can arrive before the response of a call that is repeated.
  const submittedMs = acceptedMs === undefined ? undefined : Math.max(acceptedMs, submittingMs ?? 0);
  return {
    startMs: since(task.createdAt),
    submittingMs,
    submittedMs,
    endMs: since(task.endedAt) ?? nowMs - origin,
  };
}

function sumsOf(rows: readonly TimelineRow[]): TimeSums {
  const byId = new Map(rows.map((row) => [row.node.id, row]));
  const sums: TimeSums = { queuedMs: 0, submittingMs: 0, drawingMs: 0, followUpMs: 0 };
  const started = rows.filter(({ endMs }) => endMs !== undefined);
  const seen = new Set<string>();
  let row = started.reduce<TimelineRow | undefined>(
    (last, each) => (last && last.endMs! >= each.endMs! ? last : each),
    undefined,
  );
  while (row && !seen.has(row.node.id)) {
    seen.add(row.node.id);
    const { startMs = 0, submittingMs, submittedMs, endMs = 0 } = row;
    sums.queuedMs += (submittingMs ?? submittedMs ?? endMs) - startMs;
    if (submittingMs !== undefined) sums.submittingMs += (submittedMs ?? endMs) - submittingMs;
    if (submittedMs !== undefined) sums.drawingMs += endMs - submittedMs;
    const parent: TimelineRow | undefined = row.node.parentId === null ? undefined : byId.get(row.node.parentId);
    if (parent?.endMs !== undefined) sums.followUpMs += Math.max(0, startMs - parent.endMs);
    row = parent;
  }
  return sums;
}

/** Round times, at most six of them. */
function marksOf(totalMs: number): number[] {
  const rough = totalMs / MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, i) => i * step);
}
