/** `mjflow dead-letters`, `redrive`, `discard`: dead-letter messages. They need the operator key. */
import type { DeadLetter } from "@mjflow/client";
import { command } from "../command.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { PAGING_OPTIONS } from "../option.ts";
import { collect, moreLine } from "../page.ts";
import { ago } from "../time.ts";

export const deadLetters = command({
  name: "dead-letters",
  summary: "list dead-letter messages",
  usage: [""],
  argCount: [0, 0],
  options: PAGING_OPTIONS,
  async run(context, { values }) {
    const { mjflow, signal, paint, columns, platform } = context;
    const page = await collect(mjflow.deadLetters.list({ signal }), values);
    const shown: Column<DeadLetter>[] = [
      { name: "id", of: ({ id }) => id },
      { name: "state", of: ({ state }) => state },
      { name: "created", of: ({ createdAt }) => ago(createdAt, platform.now()) },
      { name: "reason", of: ({ why }) => why, cut: true },
      { name: "body", of: ({ body }) => body, cut: true },
    ];
    context.show(page, () =>
      page.data.length === 0
        ? ["No dead-letter messages."]
        : [...table(shown, page.data, paint, columns), ...moreLine(page)],
    );
    return EXIT.ok;
  },
});

export const redrive = command({
  name: "redrive",
  summary: "send a dead-letter message to its queue again",
  usage: ["<dead-letter>"],
  argCount: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const deadLetter = await context.mjflow.deadLetters.redrive(id!, { signal: context.signal });
    context.show(deadLetter, () => [`${deadLetter.id}  ${deadLetter.state}`]);
    return EXIT.ok;
  },
});

export const discard = command({
  name: "discard",
  summary: "discard a dead-letter message; its record stays",
  usage: ["<dead-letter>"],
  argCount: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const deadLetter = await context.mjflow.deadLetters.discard(id!, { signal: context.signal });
    context.show(deadLetter, () => [`${deadLetter.id}  ${deadLetter.state}`]);
    return EXIT.ok;
  },
});
