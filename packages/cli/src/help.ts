/** What the help says; made from the commands themselves. */
import { COMMON, type Command, type Option, type Options } from "./command.ts";
import { GROUPS, loadCommand } from "./commands.ts";
import { pad } from "./text.ts";

const NAME_WIDTH = 12;

export async function generalHelp(): Promise<string[]> {
  const lines = ["mjflow: send a plan of image tasks, and watch it.", ""];
  for (const { title, names } of GROUPS) {
    lines.push(title);
    for (const name of names) lines.push(`  ${pad(name, NAME_WIDTH)}${(await loadCommand(name))!.summary}`);
    lines.push("");
  }
  return [
    ...lines,
    "mjflow help <command> says more. Every command takes --json and --url.",
    "",
    "The key comes from MJFLOW_API_KEY; for the house on this machine, from its data folder (.mjflow/api.key).",
    "Ends with 0 done, 1 the flow failed or the server refused, 2 mistyped, 3 unreachable or no valid key,",
    "4 --timeout was up, 130 Ctrl-C. What was started goes on after 4 and 130.",
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
