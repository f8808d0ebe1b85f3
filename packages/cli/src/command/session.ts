/** `mjflow sign-in` and `mjflow sessions`: links that sign a browser in, and the sessions of browsers. */
import type { Session } from "@mjflow/client";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago } from "../time.ts";

export const signIn = command({
  name: "sign-in",
  summary: "make a link that signs a browser in to the console, once",
  usage: [""],
  argCount: [0, 0],
  options: {},
  notes: `
The link works once, within 10 minutes. Its session has the rights of your API key and ends with it. It is as secret as the key.`,
  async run(context) {
    const { mjflow, signal, connection } = context;
    const link = await mjflow.sessions.link({ label: "mjflow sign-in" }, { signal });
    const url = link.url ?? `${connection.url}/console#/sign-in/${link.token}`;
    context.show({ ...link, url }, () => [stripControlCharacters(url)]);
    return EXIT.ok;
  },
});

const list: Subcommand<object> = {
  argCount: 0,
  async run(context) {
    const data = await context.mjflow.sessions.list({ signal: context.signal }).take(Number.POSITIVE_INFINITY);
    context.show({ data, nextCursor: null }, () => lines(data, context));
    return EXIT.ok;
  },
};

const end: Subcommand<object> = {
  argCount: 1,
  async run(context, _, [id]) {
    await context.mjflow.sessions.end(id!, { signal: context.signal });
    context.show({ id, ended: true }, () => [`${stripControlCharacters(id!)}  ended`]);
    return EXIT.ok;
  },
};

export const sessions = command({
  name: "sessions",
  summary: "list the sessions of browsers, and end one",
  usage: ["[list]", "end <session>"],
  argCount: [0, 2],
  options: {},
  notes: `
Shows the sessions and unused sign-in links of the app of your key, or of the operator.`,
  run: (context, invocation) => runSubcommand("sessions", { list, end }, context, invocation),
});

function lines(sessions: readonly Session[], { paint, columns, platform }: Context): string[] {
  if (sessions.length === 0) return ["No sessions. Make a link: mjflow sign-in"];
  const now = platform.now();
  const shown: Column<Session>[] = [
    { name: "session", of: ({ id }) => id },
    { name: "kind", of: ({ kind }) => kind },
    { name: "name", of: ({ label }) => stripControlCharacters(label ?? "–") },
    { name: "created", of: ({ createdAt }) => ago(createdAt, now) },
    { name: "last used", of: ({ lastUsedOn }) => lastUsedOn ?? "–" },
    { name: "expires", of: ({ expiresAt }) => expiresAt.slice(0, 16).replace("T", " ") },
  ];
  return table(shown, sessions, paint, columns);
}
