/** `mjflow dead`, `redrive`, `drop`: queue messages that nobody could read. For the operator. */
import type { DeadLetter } from "@mjflow/client";
import { command } from "../command.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { PAGING_OPTIONS } from "../option.ts";
import { collect, moreLine } from "../page.ts";
import { ago } from "../time.ts";

export const deadLetters = command({
  name: "dead",
  summary: "queue messages that nobody could read",
  usage: [""],
  words: [0, 0],
  options: PAGING_OPTIONS,
  async run(context, { values }) {
    const { mjflow, signal, paint, columns, platform } = context;
    const page = await collect(mjflow.deadLetters.list({ signal }), values);
    const shown: Column<DeadLetter>[] = [
      { name: "letter", of: ({ id }) => id },
      { name: "state", of: ({ state }) => state },
      { name: "died", of: ({ createdAt }) => ago(createdAt, platform.now()) },
      { name: "why", of: ({ why }) => why, cut: true },
      { name: "message", of: ({ body }) => body, cut: true },
    ];
    context.show(page, () =>
      page.data.length === 0 ? ["No dead letters."] : [...table(shown, page.data, paint, columns), ...moreLine(page)],
    );
    return EXIT.ok;
  },
});

export const redrive = command({
  name: "redrive",
  summary: "send a dead letter to its queue once more",
  usage: ["<letter>"],
  words: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const deadLetter = await context.mjflow.deadLetters.redrive(id!, { signal: context.signal });
    context.show(deadLetter, () => [`${deadLetter.id}  ${deadLetter.state}`]);
    return EXIT.ok;
  },
});

export const discard = command({
  name: "drop",
  summary: "let a dead letter go; the record of it stays",
  usage: ["<letter>"],
  words: [1, 1],
  options: {},
  async run(context, { positionals: [id] }) {
    const deadLetter = await context.mjflow.deadLetters.drop(id!, { signal: context.signal });
    context.show(deadLetter, () => [`${deadLetter.id}  ${deadLetter.state}`]);
    return EXIT.ok;
  },
});
