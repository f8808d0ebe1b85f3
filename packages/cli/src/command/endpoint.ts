/** `mjflow endpoints`: webhook endpoints of an app. */
import type { Endpoint, NewEndpoint } from "@mjflow/client";
import { EVENT_TYPES } from "@mjflow/core/event";
import { command, type Option, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { parseChoice, parseEvents } from "../option.ts";
import { collect } from "../page.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago, durationMs } from "../time.ts";

const SCHEMES = ["v1", "v1a"] as const;
const SUBCOMMANDS = ["list", "add", "remove", "rotate", "enable", "disable"];

const OPTIONS = {
  events: {
    type: "string",
    multiple: true,
    value: "TYPES",
    help: "add: event types; default: all except task.progress",
    choices: EVENT_TYPES,
  },
  scheme: {
    type: "string",
    value: "SCHEME",
    help: "add: v1 (HMAC with a shared secret) or v1a (ed25519; you get the public key)",
    choices: SCHEMES,
  },
  description: { type: "string", help: "add: description for people" },
  overlap: { type: "string", value: "TIME", help: "rotate: how long the previous secret stays valid (24h)" },
} as const satisfies Record<string, Option>;

type Given = Values<typeof OPTIONS>;

const list: Subcommand<Given> = {
  argCount: 0,
  async run(context) {
    const page = await collect(context.mjflow.endpoints.list({ signal: context.signal }), {
      limit: undefined,
      all: true,
    });
    context.show(page, () => (page.data.length === 0 ? ["No webhook endpoints."] : rows(context, page.data)));
    return EXIT.ok;
  },
};

const add: Subcommand<Given> = {
  argCount: 1,
  async run(context, { events, scheme, description }, [url]) {
    const input = {
      url: url!,
      events: parseEvents(events),
      scheme: parseChoice("--scheme", scheme, SCHEMES),
      ...(description !== undefined && { description }),
    };
    const made = await context.mjflow.endpoints.create(input, { signal: context.signal });
    context.show(made, () => secretLines(made, context));
    return EXIT.ok;
  },
};

const rotate: Subcommand<Given> = {
  argCount: 1,
  async run(context, { overlap }, [id]) {
    const overlapS = overlap === undefined ? undefined : Math.round(durationMs(overlap, "--overlap") / 1_000);
    const rotated = await context.mjflow.endpoints.rotate(id!, { overlapS, signal: context.signal });
    context.show(rotated, () => secretLines(rotated, context));
    return EXIT.ok;
  },
};

const remove: Subcommand<Given> = {
  argCount: 1,
  async run(context, _, [id]) {
    await context.mjflow.endpoints.delete(id!, { signal: context.signal });
    context.show({ id, removed: true }, () => [`${stripControlCharacters(id!)}  removed`]);
    return EXIT.ok;
  },
};

function enabling(enabled: boolean): Subcommand<Given> {
  return {
    argCount: 1,
    async run(context, _, [id]) {
      const changed = await context.mjflow.endpoints.update(id!, { enabled }, { signal: context.signal });
      context.show(changed, () => rows(context, [changed]));
      return EXIT.ok;
    },
  };
}

export const endpoints = command({
  name: "endpoints",
  summary: "manage webhook endpoints: list, add, remove, rotate, enable, disable",
  usage: [
    "[list]",
    "add <url> [--events flow.completed,task.failed] [--scheme v1|v1a]",
    "rotate <endpoint> [--overlap 24h]",
    "remove|enable|disable <endpoint>",
  ],
  argCount: [0, 2],
  options: OPTIONS,
  choices: SUBCOMMANDS,
  notes: `
A secret is shown only once, when it is created. The endpoint \`hook\` signs the webhooks to the notifyHooks of flows.
\`endpoints rotate hook\` shows its new secret.`,
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
    { name: "url", of: ({ url }) => url ?? "notifyHook of each flow", cut: true },
    { name: "events", of: ({ events }) => events.join(","), cut: true },
  ];
  return table(shown, data, paint, columns);
}

function stateOf({ enabled, disabledWhy, failingSince, pausedUntil, parked }: Endpoint, nowMs: number): string {
  if (!enabled) return `disabled${disabledWhy ? ` (${disabledWhy})` : ""}`;
  const waiting = parked && parked.count > 0 ? `, ${parked.count}${parked.whole ? "" : "+"} parked` : "";
  if (pausedUntil) return `paused, failing since ${ago(failingSince ?? pausedUntil, nowMs)}${waiting}`;
  return failingSince === null ? "enabled" : `failing since ${ago(failingSince, nowMs)}`;
}

function secretLines({ id, url, secret, publicKey }: NewEndpoint, { paint }: Context): string[] {
  const lines = [`${paint("bold", id)}  ${stripControlCharacters(url ?? "notifyHook of each flow")}`];
  if (secret !== undefined)
    lines.push(
      `  secret      ${secret}`,
      paint("yellow", "  The secret is shown only once. Store it where the receiver can read it."),
    );
  if (publicKey !== null) lines.push(`  public key  ${publicKey}`);
  return lines;
}
