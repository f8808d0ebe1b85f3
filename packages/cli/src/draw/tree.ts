/** Draws the lineage of a flow: which button was pressed on which task, and the URL of each image. Pure. */
import type { Task } from "@mjflow/client";
import type { Painter } from "../paint.ts";
import { pad, widthOf } from "../text.ts";
import { nameOf, resultText, styleOf, symbolOf } from "./task.ts";

interface Row {
  /** Tree lines before the name. */
  lead: string;
  /** Tree lines before a second line of the same task. */
  below: string;
  task: Task;
}

/**
 * Returns the tree as lines. Ids are never cut, because users copy them. A result that does not fit next to the id gets
 * its own line.
 */
export function tree(tasks: readonly Task[], paint: Painter, columns: number): string[] {
  const rows = rowsOf(tasks);
  const widest = Math.max(0, ...rows.map(({ lead, task }) => widthOf(lead + nameOf(task))));
  const idWidth = Math.max(0, ...tasks.map(({ id }) => id.length));
  return rows.flatMap(({ lead, below, task }) => {
    const [name, end] = [pad(lead + nameOf(task), widest), resultText(task)];
    const first = `  ${name}  ${paint(styleOf(task), symbolOf(task))} ${paint("dim", pad(task.id, idWidth))}`;
    const shown = task.status === "SUCCESS" ? end : paint(styleOf(task), end);
    if (end === "") return [first.trimEnd()];
    if (widthOf(first) + 2 + widthOf(end) <= columns) return [`${first}  ${shown}`];
    return [first.trimEnd(), `  ${below}${shown}`];
  });
}

function rowsOf(tasks: readonly Task[]): Row[] {
  const children = Map.groupBy(tasks, ({ parentId }) => parentId);
  const ids = new Set(tasks.map(({ id }) => id));
  const rows: Row[] = [];
  const add = (task: Task, lead: string, rest: string) => {
    const below = children.get(task.id) ?? [];
    rows.push({ lead, below: rest + (below.length > 0 ? "│  " : ""), task });
    for (const [i, child] of below.entries()) {
      const isLast = i === below.length - 1;
      add(child, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`);
    }
  };
  // A task whose parent is not in `tasks` is drawn as a root, so that a part of a flow can be drawn too.
  for (const root of tasks.filter(({ parentId }) => parentId === null || !ids.has(parentId))) add(root, "", "");
  return rows;
}
