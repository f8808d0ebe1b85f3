/** Builds the help texts from the command definitions. */
import { COMMON, type Command, type Option, type Options } from "./command.ts";
import { GROUPS } from "./commands.ts";
import { pad } from "./text.ts";

const NAME_WIDTH = 14;

export async function generalHelp(): Promise<string[]> {
  const lines = ["mjflow: create a flow of image tasks and follow it.", ""];
  for (const [title, commands] of Object.entries(GROUPS)) {
    lines.push(title);
    for (const [name, load] of Object.entries(commands))
      lines.push(`  ${pad(name, NAME_WIDTH)}${(await load()).summary}`);
    lines.push("");
  }
  return [
    ...lines,
    "mjflow help <command> shows its options. Every command accepts --json and --url.",
    "",
    "The key comes from MJFLOW_API_KEY; for the local server, from its data folder (.mjflow/api.key).",
    "Exit codes: 0 success, 1 the flow failed or the server rejected the request, 2 usage error,",
    "3 unreachable or no valid key, 4 --timeout has passed, 130 Ctrl-C. After 4 and 130 the flow continues.",
  ];
}

export function commandHelp({ name, summary, usage, options, notes }: Command): string[] {
  return [
    ...usage.map((line, i) => `${i === 0 ? "mjflow" : "      "} ${name} ${line}`.trimEnd()),
    "",
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    "",
    ...optionLines({ ...options, ...COMMON }),
    ...(notes === undefined ? [] : ["", ...notes.trim().split("\n")]),
  ];
}

function optionLines(options: Options): string[] {
  const rows = Object.entries(options).map(([name, option]) => [formatOption(name, option), option.help] as const);
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, help]) => `  ${pad(left, width)}${help}`);
}

function formatOption(name: string, { short, value, type, negated }: Option): string {
  return `--${negated ? "no-" : ""}${name}${short ? `, -${short}` : ""}${type === "string" ? ` ${value ?? "TEXT"}` : ""}`;
}
