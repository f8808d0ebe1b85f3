/** `mjflow keys`: apps and their API keys. They need the operator key. */
import type { App, AppKey, NewAppKey } from "@mjflow/client";
import { command, type Option, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../page.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { ago, durationMs } from "../time.ts";
import { UsageError } from "../usage-error.ts";

const OPTIONS = {
  app: { type: "string", value: "APP", help: "list, create, rotate, revoke: app of the key" },
  "new-app": { type: "string", value: "NAME", help: "create: create an app with this name and its first key" },
  expires: { type: "string", value: "TIME", help: "create: time until the key expires (90d)" },
  overlap: { type: "string", value: "TIME", help: "rotate: how long the previous key stays active" },
} as const satisfies Record<string, Option>;

type Given = Values<typeof OPTIONS>;
const ALL = { limit: undefined, all: true };

const list: Subcommand<Given> = {
  argCount: 0,
  async run(context, { app }) {
    const { mjflow, signal } = context;
    const apps =
      app === undefined
        ? (await collect(mjflow.apps.list({ signal }), ALL)).data
        : [await mjflow.apps.get(app, { signal })];
    const data = await Promise.all(
      apps.map(async (each) => ({
        ...each,
        keys: (await collect(mjflow.apps.keys.list(each.id, { signal }), ALL)).data,
      })),
    );
    context.show({ data, nextCursor: null }, () => appLines(data, context));
    return EXIT.ok;
  },
};

const create: Subcommand<Given> = {
  argCount: 0,
  async run(context, values) {
    const { mjflow, signal } = context;
    const expiresInS = secondsOf(values.expires, "--expires");
    if ((values.app === undefined) === (values["new-app"] === undefined)) {
      throw new UsageError("Name the app of the key: --app APP or --new-app NAME.", "keys");
    }
    const name = values["new-app"];
    const appId = name === undefined ? values.app! : (await mjflow.apps.create({ name }, { signal })).id;
    const key = await mjflow.apps.keys.create(appId, { expiresInS, signal });
    context.show(key, () => keyLines(key, context));
    return EXIT.ok;
  },
};

const rotate: Subcommand<Given> = {
  argCount: 1,
  async run(context, values, [keyId]) {
    const { mjflow, signal } = context;
    const options = { overlapS: secondsOf(values.overlap, "--overlap"), signal };
    const rotated = await mjflow.apps.keys.rotate(appOf(values), keyId!, options);
    const { previous } = rotated;
    context.show(rotated, () => [
      ...keyLines(rotated, context),
      `  ${stripControlCharacters(previous.id)} stays active until ${previous.expiresAt ?? "it is revoked"}`,
    ]);
    return EXIT.ok;
  },
};

const revoke: Subcommand<Given> = {
  argCount: 1,
  async run(context, values, [keyId]) {
    const revoked = await context.mjflow.apps.keys.revoke(appOf(values), keyId!, { signal: context.signal });
    context.show(revoked, () => [`${stripControlCharacters(revoked.id)}  revoked`]);
    return EXIT.ok;
  },
};

export const keys = command({
  name: "keys",
  summary: "manage apps and their API keys: list, create, rotate, revoke",
  usage: [
    "[list] [--app APP]",
    "create --app APP | --new-app NAME [--expires 90d]",
    "rotate <key> --app APP [--overlap 1h]",
    "revoke <key> --app APP",
  ],
  argCount: [0, 2],
  options: OPTIONS,
  notes: `
Needs the operator key. A key is shown only once, when it is created; lists show its id and its first characters.`,
  run: (context, invocation) => runSubcommand("keys", { list, create, rotate, revoke }, context, invocation),
});

function appOf({ app }: Given): string {
  if (app === undefined) throw new UsageError("Name the app of the key: --app APP.", "keys");
  return app;
}

function secondsOf(text: string | undefined, option: string): number | undefined {
  return text === undefined ? undefined : Math.round(durationMs(text, option) / 1_000);
}

function appLines(apps: readonly (App & { keys: AppKey[] })[], { paint, columns, platform }: Context): string[] {
  if (apps.length === 0) return ["No apps. Create one: mjflow keys create --new-app NAME"];
  const now = platform.now();
  const shown: Column<AppKey>[] = [
    { name: "  key", of: ({ id }) => id },
    { name: "prefix", of: ({ prefix }) => prefix },
    { name: "state", of: (key) => stateOf(key, now) },
    { name: "created", of: ({ createdAt }) => ago(createdAt, now) },
    { name: "last used", of: ({ lastUsedOn }) => lastUsedOn ?? "–" },
  ];
  return apps.flatMap(({ id, name, disabledAt, deletedAt, keys }) => [
    `${paint("bold", id)}  ${stripControlCharacters(name)}${deletedAt ? paint("red", "  deleted") : disabledAt ? paint("yellow", "  disabled") : ""}`,
    ...(keys.length === 0 ? [] : table(shown, keys, paint, columns).map((line) => `  ${line}`)),
  ]);
}

function stateOf({ revokedAt, expiresAt }: AppKey, nowMs: number): string {
  if (revokedAt !== null) return "revoked";
  if (expiresAt === null) return "active";
  return Date.parse(expiresAt) <= nowMs ? "expired" : `active until ${expiresAt.slice(0, 10)}`;
}

function keyLines({ id, appId, key }: NewAppKey, { paint }: Context): string[] {
  return [
    `${paint("bold", stripControlCharacters(id))} of ${stripControlCharacters(appId)}`,
    `  ${key}`,
    paint("yellow", "  The key is shown only once. Store it where the app can read it."),
  ];
}
