/** `mjflow templates`: plans that an app stores under names. */
import type { Template } from "@mjflow/client";
import { command, type Option, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { thenOf } from "../create-flow.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../page.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago } from "../time.ts";
import { UsageError } from "../usage-error.ts";

const SUBCOMMANDS = ["list", "show", "save", "remove"];

const OPTIONS = {
  then: { type: "string", multiple: true, value: "PRESSES", help: "save: buttons to press, as in `mjflow imagine`" },
  plan: { type: "string", value: "FILE", help: "save: the plan as JSON, in the form of the API's `then`" },
  description: { type: "string", help: "save: description for people" },
} as const satisfies Record<string, Option>;

type Given = Values<typeof OPTIONS>;

const list: Subcommand<Given> = {
  argCount: 0,
  async run(context) {
    const all = context.mjflow.templates.list({ signal: context.signal });
    const page = await collect(all, { limit: undefined, all: true });
    context.show(page, () => (page.data.length === 0 ? ["No templates."] : rows(context, page.data)));
    return EXIT.ok;
  },
};

const show: Subcommand<Given> = {
  argCount: 1,
  async run(context, _, [name]) {
    const template = await context.mjflow.templates.get(name!, { signal: context.signal });
    context.show(template, () => [...rows(context, [template]), JSON.stringify(template.then, null, 2)]);
    return EXIT.ok;
  },
};

const save: Subcommand<Given> = {
  argCount: 1,
  async run(context, { description, ...given }, [name]) {
    const then = thenOf(given, context.platform.cwd);
    if (then.length === 0) throw new UsageError("Give the plan with --then or --plan.", "templates");
    const input = { then, ...(description !== undefined && { description }) };
    const saved = await context.mjflow.templates.put(name!, input, { signal: context.signal });
    context.show(saved, () => [`${stripControlCharacters(saved.name)}  saved`]);
    return EXIT.ok;
  },
};

const remove: Subcommand<Given> = {
  argCount: 1,
  async run(context, _, [name]) {
    await context.mjflow.templates.delete(name!, { signal: context.signal });
    context.show({ name, removed: true }, () => [`${stripControlCharacters(name!)}  removed`]);
    return EXIT.ok;
  },
};

export const templates = command({
  name: "templates",
  summary: "manage plans under names: list, show, save, remove",
  usage: ["[list]", "save <name> --then PRESSES… | --plan FILE", "show|remove <name>"],
  argCount: [0, 2],
  options: OPTIONS,
  choices: SUBCOMMANDS,
  notes: `
A flow copies the plan when it is created. A later change of the template changes no flow.

  mjflow templates save two-steps --then 'U1>zoom:2'
  mjflow imagine "a paper boat" --template two-steps`,
  run: (context, invocation) => runSubcommand("templates", { list, show, save, remove }, context, invocation),
});

function rows({ paint, columns, platform }: Context, data: readonly Template[]): string[] {
  const now = platform.now();
  const shown: Column<Template>[] = [
    { name: "template", of: ({ name }) => name },
    { name: "changed", of: ({ updatedAt }) => ago(updatedAt, now) },
    { name: "first presses", of: ({ then }) => then.map(({ press }) => [press].flat().join(",")).join(" ") },
    { name: "description", of: ({ description }) => description ?? "", cut: true },
  ];
  return table(shown, data, paint, columns);
}
