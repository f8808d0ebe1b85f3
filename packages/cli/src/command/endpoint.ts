/** `mjflow endpoints`: addresses that hear an app's events. */
import type { Endpoint, NewEndpoint } from "@mjflow/client";
import { command, type Option, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { parseChoice, parseEvents } from "../option.ts";
import { collect } from "../page.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago, durationMs } from "../time.ts";

const OPTIONS = {
  events: { type: "string", multiple: true, value: "TYPES", help: "add: which events; default: all but task.progress" },
  scheme: { type: "string", value: "SCHEME", help: "add: v1 (a shared secret) or v1a (you hold the public half)" },
  description: { type: "string", help: "add: for people" },
  overlap: { type: "string", value: "TIME", help: "rotate: how long the secret before still signs (24h)" },
} as const satisfies Record<string, Option>;

type Given = Values<typeof OPTIONS>;

const list: Subcommand<Given> = {
  words: 0,
  async run(context) {
    const page = await collect(context.mjflow.endpoints.list({ signal: context.signal }), {
      limit: undefined,
      all: true,
    });
    context.show(page, () => (page.data.length === 0 ? ["No endpoints."] : rows(context, page.data)));
    return EXIT.ok;
  },
};

const add: Subcommand<Given> = {
  words: 1,
  async run(context, { events, scheme, description }, [url]) {
    const input = {
      url: url!,
      events: parseEvents(events),
      scheme: parseChoice("--scheme", scheme, ["v1", "v1a"]),
      ...(description !== undefined && { description }),
    };
    const made = await context.mjflow.endpoints.create(input, { signal: context.signal });
    context.show(made, () => secretLines(made, context));
    return EXIT.ok;
  },
};

const rotate: Subcommand<Given> = {
  words: 1,
  async run(context, { overlap }, [id]) {
    const overlapS = overlap === undefined ? undefined : Math.round(durationMs(overlap, "--overlap") / 1_000);
    const rotated = await context.mjflow.endpoints.rotate(id!, { overlapS, signal: context.signal });
    context.show(rotated, () => secretLines(rotated, context));
    return EXIT.ok;
  },
};

const remove: Subcommand<Given> = {
  words: 1,
  async run(context, _, [id]) {
    await context.mjflow.endpoints.delete(id!, { signal: context.signal });
    context.show({ id, removed: true }, () => [`${stripControlCharacters(id!)}  removed`]);
    return EXIT.ok;
  },
};

function enabling(enabled: boolean): Subcommand<Given> {
  return {
    words: 1,
    async run(context, _, [id]) {
      const changed = await context.mjflow.endpoints.update(id!, { enabled }, { signal: context.signal });
      context.show(changed, () => rows(context, [changed]));
      return EXIT.ok;
    },
  };
}

export const endpoints = command({
  name: "endpoints",
  summary: "addresses that hear your events: list, add, remove, rotate, enable, disable",
  usage: [
    "[list]",
    "add <url> [--events flow.completed,task.failed] [--scheme v1|v1a]",
    "rotate <endpoint> [--overlap 24h]",
    "remove|enable|disable <endpoint>",
  ],
  words: [0, 2],
  options: OPTIONS,
  notes: `
A secret is shown when it is made, and never again. The endpoint \`hook\` stands for the flows' own notifyHooks:
\`endpoints rotate hook\` shows what their posts are signed with.`,
  run: (context, invocation) =>
    runSubcommand(
      "endpoints",
      { list, add, remove, rotate, enable: enabling(true), disable: enabling(false) },
      context,
      invocation,
    ),
});

function rows({ paint, columns, platform }: Context, data: readonly Endpoint[]): string[] {
  const shown: Column<Endpoint>[] = [
    { name: "endpoint", of: ({ id }) => id },
    { name: "state", of: (endpoint) => stateOf(endpoint, platform.now()) },
    { name: "scheme", of: ({ scheme }) => scheme },
    { name: "address", of: ({ url }) => url ?? "each flow's own", cut: true },
    { name: "events", of: ({ events }) => events.join(","), cut: true },
  ];
  return table(shown, data, paint, columns);
}

function stateOf({ enabled, disabledWhy, failingSince }: Endpoint, nowMs: number): string {
  if (!enabled) return `disabled${disabledWhy ? ` (${disabledWhy})` : ""}`;
  return failingSince === null ? "enabled" : `failing, since ${ago(failingSince, nowMs)}`;
}

function secretLines({ id, url, secret, publicKey }: NewEndpoint, { paint }: Context): string[] {
  const lines = [`${paint("bold", id)}  ${stripControlCharacters(url ?? "each flow's own notifyHook")}`];
  if (secret !== undefined)
    lines.push(
      `  secret      ${secret}`,
      paint("yellow", "  It is shown only now: keep it where the receiver finds it."),
    );
  if (publicKey !== null) lines.push(`  public key  ${publicKey}`);
  return lines;
}
