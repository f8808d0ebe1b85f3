/** `mjflow task`, `press`, `modal`, `retry`: one task, and what a person may do with it. */
import type { ModalInput, PressInput, Task } from "@mjflow/client";
import { command, type Option } from "../command.ts";
import type { Context } from "../context.ts";
import { nameOf, resultText, styleOf, symbolOf } from "../draw/task.ts";
import { EXIT } from "../exit.ts";
import { maskOf } from "../image.ts";
import { parseTimeout, WAIT_OPTIONS } from "../option.ts";
import { parseThen } from "../plan.ts";
import { pad, stripControlCharacters } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { waitForTask } from "../wait.ts";

const ANSWER = {
  prompt: { type: "string", help: "the answer to the window it opens" },
  mask: { type: "string", value: "FILE", help: "for vary:region: a PNG, white is drawn anew" },
} as const satisfies Record<string, Option>;

const KEYED = {
  "idempotency-key": { type: "string", value: "KEY", help: "make a retry of this command the same call" },
} as const satisfies Record<string, Option>;

export const task = command({
  name: "task",
  summary: "one task: what became of it, and the buttons it offers",
  usage: ["<task>"],
  words: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const found = await context.mjflow.tasks.get(id!, { signal: context.signal });
    context.show(found, () => taskLines(found, context));
    return EXIT.ok;
  },
});

function taskLines(found: Task, { paint }: Context): string[] {
  const rows: [string, string][] = [
    ["flow", found.flowId],
    [
      "vendor",
      [found.provider, found.providerTaskId]
        .filter(Boolean)
        .map((part) => stripControlCharacters(part!))
        .join(" "),
    ],
    ["prompt", stripControlCharacters(found.finalPrompt ?? "")],
    ["picture", found.status === "SUCCESS" ? resultText(found) : ""],
    ["why", found.failure ? `${stripControlCharacters(found.failReason ?? "")} (${found.failure.code})` : ""],
    ["paid", `${found.attempts} ${found.attempts === 1 ? "submission" : "submissions"}`],
    [
      "buttons",
      found.buttons.map(({ label, name, emoji }) => stripControlCharacters(label || name || emoji)).join(", "),
    ],
  ];
  return [
    `${paint(styleOf(found), symbolOf(found))} ${paint("bold", nameOf(found))}  ${found.status.toLowerCase()} ${found.progress}%`,
    ...rows.filter(([, text]) => text !== "").map(([name, text]) => `  ${paint("dim", pad(name, 8))}${text}`),
  ];
}

export const press = command({
  name: "press",
  summary: "press a button of a finished task, and watch what comes of it",
  usage: ["<task> <button> [--prompt TEXT]"],
  words: [2, 2],
  options: {
    ...ANSWER,
    then: { type: "string", multiple: true, value: "PRESSES", help: "what to press on that, as `imagine` has it" },
    ...KEYED,
    ...WAIT_OPTIONS,
  },
  notes: `
A button is named as the vendor labels it, or as mjflow does: U2, upscale:2, zoom:2, "Vary (Strong)".
\`mjflow task <task>\` shows those there are. Ends with 0 when what was pressed succeeded.`,
  async run(context, { values, positionals: [id, button] }) {
    const then = parseThen(values.then);
    const answer = answerOf(values, context.platform.cwd);
    const input: PressInput = { press: button!, ...(answer && { modal: answer }), ...(then.length > 0 && { then }) };
    parseTimeout(values.timeout);
    const pressed = await context.mjflow.tasks.press(id!, input, keyed(context, values["idempotency-key"]));
    return waitForTask(context, pressed, values);
  },
});

export const modal = command({
  name: "modal",
  summary: "answer the window that a task waits with, and watch it",
  usage: ["<task> --prompt TEXT [--mask FILE]"],
  words: [1, 1],
  options: { ...ANSWER, ...KEYED, ...WAIT_OPTIONS },
  async run(context, { values, positionals: [id] }) {
    const answer = answerOf(values, context.platform.cwd);
    if (!answer) throw new UsageError("Give an answer: --prompt, --mask, or both.", "modal");
    parseTimeout(values.timeout);
    const answered = await context.mjflow.tasks.modal(id!, answer, keyed(context, values["idempotency-key"]));
    return waitForTask(context, answered, values);
  },
});

export const retry = command({
  name: "retry",
  summary: "submit a failed task once more, and watch it; it is paid for again",
  usage: ["<task>"],
  words: [1, 1],
  options: WAIT_OPTIONS,
  async run(context, { values, positionals: [id] }) {
    parseTimeout(values.timeout);
    const again = await context.mjflow.tasks.retry(id!, { signal: context.signal });
    return waitForTask(context, again, values);
  },
});

function answerOf({ prompt, mask }: { prompt: string | undefined; mask: string | undefined }, cwd: string) {
  if (prompt === undefined && mask === undefined) return undefined;
  const answer: ModalInput = {
    ...(prompt !== undefined && { prompt }),
    ...(mask !== undefined && { maskBase64: maskOf(mask, cwd, "--mask") }),
  };
  return answer;
}

function keyed({ signal }: Context, idempotencyKey: string | undefined) {
  return { signal, ...(idempotencyKey !== undefined && { idempotencyKey }) };
}
