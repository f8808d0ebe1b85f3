/** Runs a command and returns its exit code. This is the only place where errors become text. */
import { isMjflowError } from "@mjflow/client";
import { checkArgCount, parseInvocation } from "./command.ts";
import { COMMAND_NAMES, loadAllCommands, loadCommand } from "./commands.ts";
import { Context } from "./context.ts";
import { errorLines, errorView, FlowStillRunningError } from "./error.ts";
import { EXIT, exitOf } from "./exit.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { paintFor } from "./paint.ts";
import type { Platform } from "./platform.ts";
import { escapeControlCharacters, json } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { VERSION } from "./version.ts";

/** @returns the exit code of the process */
export async function run(args: readonly string[], platform: Platform): Promise<number> {
  // Undefined for errors that occur before a context exists.
  let context: Context | undefined;
  try {
    const [first = "help", ...rest] = args;
    if (first === "--version" || first === "-V") return print(platform, [VERSION]);
    if (first === "help" || first === "--help" || first === "-h") return await help(platform, rest[0]);
    const command = await loadCommand(first);
    if (!command) throw unknownCommand(first);
    const { common, ...invocation } = parseInvocation(command, rest);
    if (common.help) return print(platform, commandHelp(command));
    checkArgCount(command, invocation.positionals);
    context = new Context(platform, { json: common.json === true, url: common.url }, loadAllCommands);
    return await command.run(context, invocation);
  } catch (error) {
    report(error, args, platform, context);
    // An error of another class is a bug. `report` prints its stack.
    return exitOf(error, isAborted(error) ? platform.signal : undefined);
  }
}

/**
 * True for errors of an aborted call. Only then is `platform.signal` read, because reading it installs signal handlers.
 */
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
  return new UsageError(`Unknown command "${name}".${near ? ` Do you mean ${near}?` : ""}`);
}

function print({ stdout }: Platform, lines: readonly string[]): number {
  for (const line of lines) stdout.write(`${line}\n`);
  return EXIT.ok;
}

/** Writes the error as JSON to stdout with `--json`, otherwise as text to stderr. */
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
