/** The groups of the legend of a flow's tree: what is done, running, failed and planned. Pure. */
import type { Task } from "@mjflow/client";
import type { FlowNode } from "./flow-plan.ts";

export const NODE_GROUPS = ["done", "running", "failed", "planned"] as const;
export type NodeGroup = (typeof NODE_GROUPS)[number];

/** Returns the group of each node. A failed task that was retried, and a step that will not start, are in none. */
export function groupsOf(nodes: readonly FlowNode[]): ReadonlyMap<string, NodeGroup> {
  const retried = new Set(nodes.map(({ task }) => task?.retryOf));
  const groups = new Map<string, NodeGroup>();
  for (const node of nodes) {
    const group = groupOf(node);
    if (group !== undefined && !(group === "failed" && retried.has(node.id))) groups.set(node.id, group);
  }
  return groups;
}

function groupOf({ task, step }: FlowNode): NodeGroup | undefined {
  if (!task) return step.status === "planned" ? "planned" : undefined;
  if (task.endedAt === null) return "running";
  return task.status === "SUCCESS" ? "done" : "failed";
}

/** The tasks of the group, in the order of the tree. */
export function tasksIn(nodes: readonly FlowNode[], groups: ReadonlyMap<string, NodeGroup>, group: NodeGroup): Task[] {
  return nodes.flatMap(({ id, task }) => (task && groups.get(id) === group ? [task] : []));
}

/** Returns the id of the node of the group before or after the selected one, around the ends. */
export function nextIn(ids: readonly string[], selected: string | undefined, by: 1 | -1): string | undefined {
  const at = ids.indexOf(selected ?? "");
  if (at < 0) return by === 1 ? ids[0] : ids.at(-1);
  return ids[(at + by + ids.length) % ids.length];
}
