/** Commands that are several: `endpoints add …`. */
import type { Context } from "./context.ts";
import { UsageError } from "./usage-error.ts";

export type Subcommand<V> = {
  /** How many words it takes after its own name. */
  words: number;
  run(context: Context, values: V, words: readonly string[]): Promise<number>;
};

/** Without a word: `list`. @throws UsageError */
export async function runSubcommand<V>(
  name: string,
  subs: Readonly<Record<string, Subcommand<V>>>,
  context: Context,
  { values, positionals }: { values: V; positionals: readonly string[] },
): Promise<number> {
  const [first = "list", ...words] = positionals;
  const sub = Object.hasOwn(subs, first) ? subs[first] : undefined;
  if (!sub) throw new UsageError(`mjflow ${name} takes ${Object.keys(subs).join(", ")}.`, name);
  if (words.length !== sub.words) {
    throw new UsageError(`mjflow ${name} ${first} takes ${wordCount(sub.words)} more.`, name);
  }
  return sub.run(context, values, words);
}

function wordCount(n: number): string {
  return n === 0 ? "nothing" : n === 1 ? "one word" : `${n} words`;
}
