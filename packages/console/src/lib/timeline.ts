/** The rows of a flow's timeline. Pure. */
import type { FlowNode } from "./flow-plan.ts";
import { layout } from "./tree.ts";

export interface TimelineRow {
  node: FlowNode;
  depth: number;
  /** Times in ms since the first task was created; unset if they have not happened. A running task ends now. */
  startMs: number | undefined;
  submittedMs: number | undefined;
  endMs: number | undefined;
}

export interface Timeline {
  rows: TimelineRow[];
  totalMs: number;
  /** Times with a label on the axis, ms. */
  marks: number[];
}

const MARKS = 6;

export function timelineOf(nodes: readonly FlowNode[], nowMs: number): Timeline {
  const tasks = nodes.flatMap(({ task }) => (task ? [task] : []));
  const origin = Math.min(nowMs, ...tasks.map(({ createdAt }) => Date.parse(createdAt)));
  const since = (iso: string | null | undefined) => (iso ? Math.max(0, Date.parse(iso) - origin) : undefined);
  const rows = layout(nodes).positioned.map(({ node, depth }) => ({
    node,
    depth,
    startMs: since(node.task?.createdAt),
    submittedMs: since(node.task?.submittedAt),
    endMs: node.task && (since(node.task.endedAt) ?? nowMs - origin),
  }));
  // The last bar needs room for its label.
  const totalMs = Math.max(1_000, ...rows.map(({ endMs = 0 }) => endMs)) * 1.08;
  return { rows, totalMs, marks: marksOf(totalMs) };
}

/** Round times, at most six of them. */
function marksOf(totalMs: number): number[] {
  const rough = totalMs / MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, i) => i * step);
}
