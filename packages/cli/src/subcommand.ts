/** Commands with subcommands: `endpoints add …`. */
import type { Context } from "./context.ts";
import { UsageError } from "./usage-error.ts";

export type Subcommand<V> = {
  /** Number of positional arguments after the subcommand's name. */
  argCount: number;
  run(context: Context, values: V, args: readonly string[]): Promise<number>;
};

/**
 * Runs the subcommand that the first argument names; the default is `list`.
 *
 * @throws UsageError if the subcommand is unknown or its number of arguments is wrong
 */
export async function runSubcommand<V>(
  name: string,
  subs: Readonly<Record<string, Subcommand<V>>>,
  context: Context,
  { values, positionals }: { values: V; positionals: readonly string[] },
): Promise<number> {
  const [first = "list", ...args] = positionals;
  const sub = Object.hasOwn(subs, first) ? subs[first] : undefined;
  if (!sub) throw new UsageError(`mjflow ${name} has the subcommands ${Object.keys(subs).join(", ")}.`, name);
  if (args.length !== sub.argCount) {
    throw new UsageError(`mjflow ${name} ${first} takes ${argCountText(sub.argCount)}.`, name);
  }
  return sub.run(context, values, args);
}

function argCountText(n: number): string {
  return n === 0 ? "no arguments" : n === 1 ? "one argument" : `${n} arguments`;
}
