/** The words that a shell can complete, from the command definitions. */
import { COMMON, type Command, type Option } from "../command.ts";

export interface OptionWords {
  /** With its dashes: `--then`, `--no-wait`, `-h`. */
  names: readonly string[];
  help: string;
  takesValue: boolean;
  /** True if the value may be a file. */
  takesFiles: boolean;
  isRepeated: boolean;
  /** Values that can be completed; unset: any. */
  choices?: readonly string[];
}

export interface CommandWords {
  name: string;
  summary: string;
  options: readonly OptionWords[];
  /** Values of the first argument; empty: any. */
  choices: readonly string[];
  /** True if arguments may be files. */
  takesFiles: boolean;
}

/** The help comes first; its argument is a command. */
export function wordsOf(commands: readonly Command[]): CommandWords[] {
  const names = commands.map(({ name }) => name);
  const help: CommandWords = { name: "help", summary: "show the help", options: [], choices: names, takesFiles: false };
  return [
    help,
    ...commands.map(({ name, summary, options, choices = [], files }) => ({
      name,
      summary,
      options: Object.entries({ ...options, ...COMMON }).map(([key, option]) => optionWords(key, option)),
      choices,
      takesFiles: files === true,
    })),
  ];
}

function optionWords(key: string, { type, short, negated, help, multiple, value, choices }: Option): OptionWords {
  const names = [`--${negated ? "no-" : ""}${key}`, ...(short ? [`-${short}`] : [])];
  const takesFiles = /FILE|FOLDER/.test(value ?? "");
  const words = { names, help, takesValue: type === "string", takesFiles, isRepeated: multiple === true };
  return choices === undefined ? words : { ...words, choices };
}

/** Quotes text for bash, zsh and fish: nothing inside is interpreted. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
