/** From words to an exit code: the only place where errors become text. */
import { isMjflowError } from "@mjflow/client";
import { checkWords, parseInvocation } from "./command.ts";
import { COMMAND_NAMES, loadCommand } from "./commands.ts";
import { Context } from "./context.ts";
import { errorLines, errorView, FlowStillRunningError } from "./error.ts";
import { EXIT, exitOf } from "./exit.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { paintFor } from "./paint.ts";
import type { Platform } from "./platform.ts";
import { escapeControlCharacters, json } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { VERSION } from "./version.ts";

/** @returns what the process ends with */
export async function run(args: readonly string[], platform: Platform): Promise<number> {
  // Only for what goes wrong before there is a context.
  let context: Context | undefined;
  try {
    const [first = "help", ...rest] = args;
    if (first === "--version" || first === "-V") return print(platform, [VERSION]);
    if (first === "help" || first === "--help" || first === "-h") return await help(platform, rest[0]);
    const command = await loadCommand(first);
    if (!command) throw unknownCommand(first);
    const { common, ...invocation } = parseInvocation(command, rest);
    if (common.help) return print(platform, commandHelp(command));
    checkWords(command, invocation.positionals);
    context = new Context(platform, { json: common.json === true, url: common.url });
    return await command.run(context, invocation);
  } catch (error) {
    report(error, args, platform, context);
    // An error that is nobody's is a bug: its stack is what helps.
    return exitOf(error, isAborted(error) ? platform.signal : undefined);
  }
}

/** Only then: to ask for the signal is to catch it. */
function isAborted(error: unknown): boolean {
  return isMjflowError(error instanceof FlowStillRunningError ? error.cause : error, "aborted");
}

async function help(platform: Platform, name: string | undefined): Promise<number> {
  if (name === undefined) return print(platform, await generalHelp());
  const command = await loadCommand(name);
  if (!command) throw unknownCommand(name);
  return print(platform, commandHelp(command));
}

function unknownCommand(name: string): UsageError {
  const near = COMMAND_NAMES.find((known) => known.startsWith(name) || name.startsWith(known));
  return new UsageError(`There is no such command.${near ? ` Do you mean ${near}?` : ""}`);
}

function print({ stdout }: Platform, lines: readonly string[]): number {
  for (const line of lines) stdout.write(`${line}\n`);
  return EXIT.ok;
}

/** Machines read stdout, people stderr. */
function report(error: unknown, args: readonly string[], platform: Platform, context: Context | undefined): void {
  const hidden = (text: string) => context?.hidden(text) ?? text;
  if (context?.json ?? args.includes("--json")) {
    platform.stdout.write(`${hidden(json({ error: errorView(error) }, 2))}\n`);
    return;
  }
  const paint = paintFor(platform.stderr, platform.env);
  const lines = errorLines(error, paint, context?.found);
  for (const line of lines) platform.stderr.write(`${hidden(escapeControlCharacters(line))}\n`);
}
