/** `mjflow accounts`: vendor accounts and the test of one. A test needs the operator key. */
import type { AccountTest, Provider, ProviderAccount } from "@mjflow/client";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { type Column, table } from "../draw/table.ts";
import { EXIT } from "../exit.ts";
import { collect } from "../page.ts";
import type { Style } from "../paint.ts";
import { runSubcommand, type Subcommand } from "../subcommand.ts";
import { stripControlCharacters } from "../text.ts";
import { UsageError } from "../usage-error.ts";

/** Name of the account of a provider that is configured with a single one. */
const DEFAULT_ACCOUNT = "default";

type Row = ProviderAccount & { provider: string };

const list: Subcommand<object> = {
  argCount: 0,
  async run(context) {
    const { mjflow, signal, paint, columns } = context;
    const { data } = await collect(mjflow.providers.list({ signal }), { limit: undefined, all: true });
    const rows = data.flatMap(({ id, accounts }: Provider) => accounts.map((each): Row => ({ ...each, provider: id })));
    const shown: Column<Row>[] = [
      { name: "account", of: ({ provider, name }) => `${provider}/${name}` },
      { name: "state", of: stateOf },
      { name: "callbacks", of: ({ callbacks }) => callbacks },
      { name: "weight", of: ({ weight }) => String(weight) },
      { name: "at a time", of: ({ maxRunning }) => String(maxRunning ?? "no limit") },
    ];
    context.show({ data: rows, nextCursor: null }, () =>
      rows.length === 0 ? ["No vendor accounts."] : table(shown, rows, paint, columns),
    );
    return EXIT.ok;
  },
};

function stateOf({ weight, circuit, fault, simulated }: Row): string {
  const state = weight === 0 ? "paused" : circuit === "closed" ? "ok" : `circuit breaker ${circuit}`;
  return [state, ...(fault ? [fault] : []), ...(simulated ? ["simulated"] : [])].join(", ");
}

const test: Subcommand<object> = {
  argCount: 1,
  async run(context, _, [address]) {
    const [provider, account = DEFAULT_ACCOUNT, ...more] = address!.split("/");
    if (!provider || account === "" || more.length > 0)
      throw new UsageError("Name the account as <provider>/<account>, for example cometapi/default.", "accounts");
    const tested = await context.mjflow.providers.testAccount(provider, account, { signal: context.signal });
    context.show(tested, () => testLines(tested, context));
    return tested.ok === false ? EXIT.failed : EXIT.ok;
  },
};

export const accounts = command({
  name: "accounts",
  summary: "list vendor accounts and test one: list, test",
  usage: ["[list]", "test <provider>[/<account>]"],
  argCount: [0, 2],
  options: {},
  choices: ["list", "test"],
  notes: `
A test asks the vendor whether the base URL and the key are right. It costs nothing and needs the operator key. It works for paused
accounts, too. Exit codes of a test: 0 right or not known, 1 a flow would fail.`,
  run: (context, invocation) => runSubcommand("accounts", { list, test }, context, invocation),
});

const KEYS = { accepted: "accepted", refused: "refused", unknown: "not known" };

/** The vendor's words are untrusted text. */
function testLines(tested: AccountTest, { paint }: Context): string[] {
  const { provider, account, ok, code, reachable, key, latencyMs, status, reason, vendorText, advice } = tested;
  const [mark, style]: [string, Style] = ok ? ["✓", "green"] : ok === false ? ["✗", "red"] : ["?", "yellow"];
  const response = status === null ? (reason ?? "none") : `HTTP ${status}`;
  return [
    `${paint(style, `${mark} ${code}`)}  ${provider}/${account}`,
    `  connection  ${reachable ? "opened" : "not opened"}`,
    `  response    ${stripControlCharacters(response)} after ${latencyMs} ms`,
    `  key         ${KEYS[key] ?? key}`,
    ...(vendorText === null ? [] : [`  the vendor  ${stripControlCharacters(vendorText)}`]),
    paint("dim", `  ${stripControlCharacters(advice)}`),
  ];
}
