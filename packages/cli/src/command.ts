/** What a command is: its words, its options, and what it does. */
import { parseArgs } from "node:util";
import type { Context } from "./context.ts";
import { UsageError } from "./usage-error.ts";

export interface Option {
  type: "string" | "boolean";
  multiple?: true;
  short?: string;
  /** On unless `--no-…` is given; the help says it so. */
  negated?: true;
  /** What stands for the value in the help: `TIME`. */
  value?: string;
  help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** A boolean that is not given is undefined; `--no-x` makes it false. */
export type Values<O extends Options> = {
  [K in keyof O]: O[K] extends { type: "boolean" }
    ? boolean | undefined
    : O[K] extends { multiple: true }
      ? string[]
      : string | undefined;
};

export interface Invocation<O extends Options = Options> {
  values: Values<O>;
  positionals: string[];
}

interface Spec<O extends Options> {
  name: string;
  summary: string;
  /** What follows the name, one line each: `<task> <button>`. */
  usage: readonly string[];
  /** How many words, at least and at most. */
  words: readonly [number, number];
  options: O;
  /** More for the help. */
  notes?: string;
  /** @returns what the process ends with */
  run(context: Context, invocation: Invocation<O>): Promise<number>;
}

export type Command = Omit<Spec<Options>, "run"> & {
  run(context: Context, invocation: Invocation): Promise<number>;
};

/** Every command takes these. */
export const COMMON = {
  url: { type: "string", value: "URL", help: "which mjflow; else MJFLOW_URL, else the house on this machine" },
  json: { type: "boolean", help: "print JSON, and nothing else" },
  help: { type: "boolean", short: "h", help: "print this" },
} as const satisfies Options;

export function command<const O extends Options>(spec: Spec<O>): Command {
  return spec as unknown as Command;
}

export type Parsed = Invocation<Options> & { common: Values<typeof COMMON> };

/** @throws UsageError for what the command does not know; it repeats option names only, never values */
export function parseInvocation(command: Command, args: readonly string[]): Parsed {
  const options: Options = { ...command.options, ...COMMON };
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false, short }]) => [
      name,
      { type, multiple, ...(short && { short }) },
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options: config, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw new UsageError(firstSentence((error as Error).message), command.name);
  }
  const values = Object.fromEntries(
    Object.entries(options).map(([name, { multiple }]) => [name, parsed.values[name] ?? (multiple ? [] : undefined)]),
  );
  return { values, positionals: parsed.positionals, common: values } as unknown as Parsed;
}

/** @throws UsageError when words are missing, or one too many */
export function checkWords({ name, usage, words: [least, most] }: Command, positionals: readonly string[]): void {
  if (positionals.length >= least && positionals.length <= most) return;
  const why =
    positionals.length < least ? "Something is missing" : "There is a word too many; quote what belongs together";
  throw new UsageError(`${why}: mjflow ${name} ${usage[0] ?? ""}`.trim(), name);
}

function firstSentence(message: string): string {
  return `${message.split(/\.\s/, 1)[0]!.replace(/\.$/, "")}.`;
}
