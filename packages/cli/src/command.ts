/** Describes a command: its name, options, positional arguments and action. Parses the arguments of a command. */
import { parseArgs } from "node:util";
import type { Context } from "./context.ts";
import { UsageError } from "./usage-error.ts";

export interface Option {
  type: "string" | "boolean";
  multiple?: true;
  short?: string;
  /** Default true; the help shows the option as `--no-<name>`. */
  negated?: true;
  /** Placeholder of the value in the help: `TIME`. */
  value?: string;
  help: string;
  /** Values that shells complete. Unset: any text. */
  choices?: readonly string[];
}

export type Options = Readonly<Record<string, Option>>;

/** A boolean option that is not given is undefined; `--no-x` sets it to false. */
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
  /** Text after the command name in the help, one line per form: `<task> <button>`. */
  usage: readonly string[];
  /** Minimum and maximum number of positional arguments. */
  argCount: readonly [number, number];
  options: O;
  /** Values of the first positional argument that shells complete. */
  choices?: readonly string[];
  /** True if positional arguments may be files. */
  files?: true;
  /** Additional text at the end of the command's help. */
  notes?: string;
  /** @returns the exit code of the process */
  run(context: Context, invocation: Invocation<O>): Promise<number>;
}

export type Command = Omit<Spec<Options>, "run"> & {
  run(context: Context, invocation: Invocation): Promise<number>;
};

/** Options of every command. */
export const COMMON = {
  url: { type: "string", value: "URL", help: "base URL of the API; default: MJFLOW_URL, then the local server" },
  json: { type: "boolean", help: "print only JSON" },
  help: { type: "boolean", short: "h", help: "print this help" },
} as const satisfies Options;

export function command<const O extends Options>(spec: Spec<O>): Command {
  return spec as unknown as Command;
}

export type Parsed = Invocation<Options> & { common: Values<typeof COMMON> };

/** @throws UsageError for unknown or malformed options; the message contains option names only, never values */
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

/** @throws UsageError if there are too few or too many positional arguments */
export function checkArgCount({ name, usage, argCount: [least, most] }: Command, positionals: readonly string[]): void {
  if (positionals.length >= least && positionals.length <= most) return;
  const why =
    positionals.length < least
      ? "An argument is missing"
      : `Unexpected argument "${positionals[most]}". Put quotes around text with spaces`;
  throw new UsageError(`${why}: mjflow ${name} ${usage[0] ?? ""}`.trim(), name);
}

function firstSentence(message: string): string {
  return `${message.split(/\.\s/, 1)[0]!.replace(/\.$/, "")}.`;
}
