/** The completion script of fish. */
import { type CommandWords, type OptionWords, quoted } from "./words.ts";

export function fishScript(commands: readonly CommandWords[]): string[] {
  return [
    "# Completion of mjflow for fish: mjflow completion fish > ~/.config/fish/completions/mjflow.fish",
    "complete -c mjflow -f",
    ...commands.flatMap(({ name, summary, options, choices, takesFiles }) => {
      const seen = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
      return [
        `complete -c mjflow -n __fish_use_subcommand -a ${name} -d ${quotedForFish(summary)}`,
        ...options.map((option) => `complete -c mjflow ${seen} ${optionSpec(option)}`),
        ...(choices.length > 0 ? [`complete -c mjflow ${seen} -a ${quoted(choices.join(" "))}`] : []),
        ...(takesFiles ? [`complete -c mjflow ${seen} -F`] : []),
      ];
    }),
  ];
}

function optionSpec({ names, help, takesValue, takesFiles, choices }: OptionWords): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  // `-r -F` takes a value and completes files; `-x` takes a value and completes only the choices.
  const value = choices ? [`-x -a ${quoted(choices.join(" "))}`] : takesFiles ? ["-r -F"] : takesValue ? ["-x"] : [];
  return [...flags, ...value, `-d ${quotedForFish(help)}`].join(" ");
}

/** In single quotes fish interprets only the backslash and the quote. */
function quotedForFish(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
