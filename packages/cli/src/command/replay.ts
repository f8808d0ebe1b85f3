/** `mjflow replays`: the jobs that send many deliveries again. `mjflow replay` starts one. */
import type { Replay } from "@mjflow/client";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { ago } from "../time.ts";

const list: Subcommand<object> = {
  argCount: 0,
  async run(context) {
    const page = await context.mjflow.replays.list({ signal: context.signal }).page();
    context.show(page, () => (page.data.length === 0 ? ["No replays."] : rows(context, page.data)));
    return EXIT.ok;
  },
};

const show: Subcommand<object> = {
  argCount: 1,
  async run(context, _, [id]) {
    const found = await context.mjflow.replays.get(id!, { signal: context.signal });
    context.show(found, () => rows(context, [found]));
    return EXIT.ok;
  },
};

const cancel: Subcommand<object> = {
  argCount: 1,
  async run(context, _, [id]) {
    const canceled = await context.mjflow.replays.cancel(id!, { signal: context.signal });
    context.show(canceled, () => rows(context, [canceled]));
    return EXIT.ok;
  },
};

export const replays = command({
  name: "replays",
  summary: "list replays, show one or cancel one",
  usage: ["", "show <replay>", "cancel <replay>"],
  argCount: [0, 2],
  options: {},
  run: (context, given) => runSubcommand("replays", { list, show, cancel }, context, given),
});

function rows({ paint, columns, platform }: Context, data: readonly Replay[]): string[] {
  const shown: Column<Replay>[] = [
    { name: "replay", of: ({ id }) => id },
    { name: "to", of: ({ endpoint }) => endpoint },
    { name: "status", of: ({ status, why }) => (why === null ? status : `${status}: ${why}`) },
    { name: "found", of: ({ found }) => String(found) },
    { name: "sent", of: ({ sent }) => String(sent) },
    { name: "failed", of: ({ failed }) => String(failed) },
    { name: "skipped", of: ({ skipped }) => String(skipped) },
    { name: "left", of: ({ left }) => String(left) },
    { name: "started", of: ({ createdAt }) => ago(createdAt, platform.now()) },
  ];
  return table(shown, data, paint, columns);
}
