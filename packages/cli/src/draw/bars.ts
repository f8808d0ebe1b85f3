/** Draws a progress bar for each running task. Pure. */
import type { Task } from "@mjflow/client";
import type { Painter } from "../paint.ts";
import { fit, pad, widthOf } from "../text.ts";
import { nameOf, styleOf } from "./task.ts";

const BAR = 28;
/** Shortest bar in columns. A shorter bar adds nothing to the percentage. */
const SHORTEST_BAR = 6;
const NAME = { least: 8, most: 28 };
const PERCENT = 4;
const STATUS = "in_progress".length;
/** Width of the indent and of the gap between two columns. */
const [INDENT, GAP] = [2, 2];

/** Returns one line per task: aligned, indented by depth, and not wider than `columns`. */
export function bars(tasks: readonly Task[], paint: Painter, columns: number): string[] {
  const names = tasks.map((task) => `${"  ".repeat(task.depth)}${nameOf(task)}`);
  const widest = Math.max(NAME.least, ...names.map(widthOf));
  const nameWidth = Math.min(widest, NAME.most, Math.max(NAME.least, Math.floor(columns / 3)));
  const room = columns - INDENT - nameWidth - GAP - 1 - PERCENT - GAP - STATUS;
  const barWidth = room < SHORTEST_BAR ? 0 : Math.min(BAR, room);
  return tasks.map((task, i) => {
    // `fit` collapses spaces, so the indent is added separately.
    const deep = "  ".repeat(Math.min(task.depth, Math.floor(nameWidth / 4)));
    const name = pad(`${deep}${fit(names[i]!, nameWidth - deep.length)}`, nameWidth);
    const percent = `${task.progress}%`.padStart(PERCENT);
    const status = paint(task.status === "SUCCESS" ? "dim" : styleOf(task), task.status.toLowerCase());
    return `  ${name}  ${barWidth > 0 ? `${bar(task, barWidth, paint)} ` : ""}${percent}  ${status}`;
  });
}

function bar(task: Task, width: number, paint: Painter): string {
  const filled = Math.round((Math.min(100, Math.max(0, task.progress)) / 100) * width);
  return `${paint(styleOf(task), "█".repeat(filled))}${paint("dim", "░".repeat(width - filled))}`;
}
