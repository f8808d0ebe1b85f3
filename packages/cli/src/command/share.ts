/** `mjflow share`: read-only links to a flow, for people without a key. */
import type { Share } from "@mjflow/client";
import { command, type Option, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago, durationMs } from "../time.ts";

const SUBCOMMANDS = ["list", "revoke"];

const OPTIONS = {
  expires: { type: "string", value: "TIME", help: "time until the link expires; default 7d, at most 30d" },
  prompt: { type: "boolean", negated: true, help: "do not show the prompt to the viewers" },
  "vendor-links": { type: "boolean", help: "also show the vendor's links of pictures that are not archived" },
  label: { type: "string", value: "NAME", help: "your own name for the link" },
} as const satisfies Record<string, Option>;

type Given = Values<typeof OPTIONS>;

const create: Subcommand<Given> = {
  argCount: 1,
  async run(context, { expires, prompt, label, ...values }, [flowId]) {
    const { mjflow, signal, connection } = context;
    const expiresInS = expires === undefined ? undefined : Math.round(durationMs(expires, "--expires") / 1_000);
    const input = {
      ...(expiresInS !== undefined && { expiresInS }),
      ...(prompt === false && { showsPrompt: false }),
      ...(values["vendor-links"] && { showsVendorLinks: true }),
      ...(label !== undefined && { label }),
    };
    const share = await mjflow.shares.create(flowId!, input, { signal });
    const url = share.url ?? `${connection.url}/console#/share/${share.token}`;
    context.show({ ...share, url }, () => [
      stripControlCharacters(url),
      `  ${stripControlCharacters(share.id)}  works until ${dateOf(share.expiresAt)}`,
    ]);
    return EXIT.ok;
  },
};

const list: Subcommand<Given> = {
  argCount: 1,
  async run(context, _, [flowId]) {
    const data = await context.mjflow.shares.list(flowId!, { signal: context.signal }).take(Number.POSITIVE_INFINITY);
    context.show({ data, nextCursor: null }, () => lines(data, context));
    return EXIT.ok;
  },
};

const revoke: Subcommand<Given> = {
  argCount: 2,
  async run(context, _, [flowId, id]) {
    await context.mjflow.shares.revoke(flowId!, id!, { signal: context.signal });
    context.show({ id, revoked: true }, () => [`${stripControlCharacters(id!)}  revoked`]);
    return EXIT.ok;
  },
};

export const share = command({
  name: "share",
  summary: "make a read-only link to a flow, list the links, revoke one",
  usage: ["<flow> [--expires TIME] [--no-prompt]", "list <flow>", "revoke <flow> <share>"],
  argCount: [1, 3],
  options: OPTIONS,
  choices: SUBCOMMANDS,
  notes: `
Everyone with the link sees the flow and its archived pictures, without a key. State, vendors and costs are never shown. The link is
printed once.`,
  run(context, invocation) {
    const [first = ""] = invocation.positionals;
    const positionals = SUBCOMMANDS.includes(first) ? invocation.positionals : ["create", ...invocation.positionals];
    return runSubcommand("share", { create, list, revoke }, context, { ...invocation, positionals });
  },
});

const dateOf = (iso: string) => iso.slice(0, 16).replace("T", " ");

function lines(shares: readonly Share[], { paint, columns, platform }: Context): string[] {
  if (shares.length === 0) return ["No share links. Make one: mjflow share <flow>"];
  const now = platform.now();
  const shown: Column<Share>[] = [
    { name: "share", of: ({ id }) => id },
    { name: "name", of: ({ label }) => stripControlCharacters(label ?? "–") },
    { name: "prompt", of: ({ showsPrompt }) => (showsPrompt ? "shown" : "hidden") },
    { name: "created", of: ({ createdAt }) => ago(createdAt, now) },
    { name: "expires", of: ({ expiresAt }) => dateOf(expiresAt) },
  ];
  return table(shown, shares, paint, columns);
}
