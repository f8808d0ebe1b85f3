/** Formats a flow: head, task tree, counts and hints. Pure. */
import type { Flow, Task } from "@mjflow/client";
import type { Painter, Style } from "../paint.ts";
import { fit, stripControlCharacters } from "../text.ts";
import { isSuperseded, nameOf } from "./task.ts";
import { tree } from "./tree.ts";

const STATUS: Readonly<Record<string, Style>> = {
  completed: "green",
  failed: "red",
  canceled: "yellow",
  running: "cyan",
};

export function statusText(status: string, paint: Painter): string {
  return paint(STATUS[status] ?? "cyan", status);
}

export function flowLines(flow: Flow, paint: Painter, columns: number): string[] {
  const { id, status, provider, prompt, originalPrompt, action, counts, state } = flow;
  const what = prompt ?? action;
  return [
    "",
    `  ${paint("bold", fit(what, columns - 4))}`,
    ...(originalPrompt ? [`  ${paint("dim", fit(`translated from ${originalPrompt}`, columns - 4))}`] : []),
    `  ${id}  ${statusText(status, paint)}  ${paint("dim", stripControlCharacters(provider))}`,
    ...(state === null ? [] : [`  ${paint("dim", fit(`state ${state}`, columns - 4))}`]),
    "",
    ...tree(flow.tasks, paint, columns),
    "",
    `  ${paint("dim", countsLine(counts))}`,
    ...attention(flow.tasks, paint),
  ];
}

function countsLine({ submissions, modals, callbacks, duplicates, lookups }: Flow["counts"]): string {
  const parts: [number, string, string][] = [
    [submissions, "submission", "submissions"],
    [modals, "modal answer", "modal answers"],
    [callbacks, "callback", "callbacks"],
    [duplicates, "duplicate", "duplicates"],
    [lookups, "look-up", "look-ups"],
  ];
  const shown = parts.filter(([n], i) => n > 0 || i === 0 || i === 2);
  return shown.map(([n, one, many]) => `${n} ${n === 1 ? one : many}`).join(" · ");
}

/** Returns a line for each task that needs a person: an open modal, or a press that the vendor does not offer. */
function attention(tasks: readonly Task[], paint: Painter): string[] {
  return tasks.flatMap((task) => {
    if (task.status === "MODAL") {
      return [`  ${paint("yellow", modalHint(task))}`];
    }
    const offered = task.failure?.offered;
    if (offered?.length && !isSuperseded(task, tasks))
      return [
        `  ${paint("red", "✗")} ${nameOf(task)}: offered buttons: ${offered.map(stripControlCharacters).join(", ")}`,
      ];
    return [];
  });
}

export function modalHint(task: Task): string {
  return `? ${nameOf(task)} waits for a modal answer: mjflow modal ${task.id} --prompt …`;
}
