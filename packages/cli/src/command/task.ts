/** `mjflow task`, `press`, `modal`, `retry`: one task and the actions on it. */
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
  prompt: { type: "string", help: "prompt of the modal answer" },
  mask: { type: "string", value: "FILE", help: "mask for vary:region: a PNG; white regions are regenerated" },
} as const satisfies Record<string, Option>;

const TRANSLATE = {
  translate: {
    type: "boolean",
    help: "translate the prompts into English first; --no-translate turns this off; default: that of the app",
  },
} as const satisfies Record<string, Option>;

const KEYED = {
  "idempotency-key": {
    type: "string",
    value: "KEY",
    help: "idempotency key: repeating the command with it has no further effect",
  },
} as const satisfies Record<string, Option>;

export const task = command({
  name: "task",
  summary: "show a task: its result and its buttons",
  usage: ["<task>"],
  argCount: [1, 1],
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
    ["image", found.status === "SUCCESS" ? resultText(found) : ""],
    ["reason", found.failure ? `${stripControlCharacters(found.failReason ?? "")} (${found.failure.code})` : ""],
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
  summary: "press a button of a finished task and follow the new task",
  usage: ["<task> <button> [--prompt TEXT]"],
  argCount: [2, 2],
  options: {
    ...ANSWER,
    ...TRANSLATE,
    then: { type: "string", multiple: true, value: "PRESSES", help: "buttons to press on the result, as in `imagine`" },
    ...KEYED,
    ...WAIT_OPTIONS,
  },
  notes: `
A button is named by the vendor's label or by mjflow's press name: U2, upscale:2, zoom:2, "Vary (Strong)".
\`mjflow task <task>\` lists the buttons. The exit code is 0 if the new task succeeded.`,
  async run(context, { values, positionals: [id, button] }) {
    const then = parseThen(values.then);
    const answer = answerOf(values, context.platform.cwd);
    const input: PressInput = {
      press: button!,
      ...(answer && { modal: answer }),
      ...(then.length > 0 && { then }),
      ...translateOf(values),
    };
    parseTimeout(values.timeout);
    const pressed = await context.mjflow.tasks.press(id!, input, keyed(context, values["idempotency-key"]));
    return waitForTask(context, pressed, values);
  },
});

export const modal = command({
  name: "modal",
  summary: "submit a modal answer for a task",
  usage: ["<task> --prompt TEXT [--mask FILE]"],
  argCount: [1, 1],
  options: { ...ANSWER, ...TRANSLATE, ...KEYED, ...WAIT_OPTIONS },
  async run(context, { values, positionals: [id] }) {
    const answer = answerOf(values, context.platform.cwd);
    if (!answer) throw new UsageError("Give a modal answer: --prompt, --mask, or both.", "modal");
    parseTimeout(values.timeout);
    const translated = { ...answer, ...translateOf(values) };
    const answered = await context.mjflow.tasks.modal(id!, translated, keyed(context, values["idempotency-key"]));
    return waitForTask(context, answered, values);
  },
});

export const retry = command({
  name: "retry",
  summary: "retry a failed task and follow it; this is charged",
  usage: ["<task>"],
  argCount: [1, 1],
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

function translateOf({ translate }: { translate: boolean | undefined }) {
  return translate === undefined ? {} : { translate };
}

function keyed({ signal }: Context, idempotencyKey: string | undefined) {
  return { signal, ...(idempotencyKey !== undefined && { idempotencyKey }) };
}
