/** The completion script of zsh: sourced after compinit, or as the file `_mjflow` in a folder of `fpath`. */
import { type CommandWords, type OptionWords, quoted } from "./words.ts";

export function zshScript(commands: readonly CommandWords[]): string[] {
  return [
    "#compdef mjflow",
    "# Completion of mjflow for zsh: source <(mjflow completion zsh)",
    "_mjflow() {",
    "  local -a commands",
    "  commands=(",
    ...commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`),
    "  )",
    "  if (( CURRENT == 2 )); then",
    "    _describe command commands",
    "    return",
    "  fi",
    "  local name=$words[2]",
    // _arguments reads the words of the subcommand only.
    "  shift words",
    "  (( CURRENT-- ))",
    "  case $name in",
    ...commands.flatMap(({ name, ...command }) => [
      `    ${name})`,
      `      _arguments ${[...command.options.map(optionSpec), ...argumentSpecs(command)].join(" ")}`,
      "      ;;",
    ]),
    "  esac",
    "}",
    `if [[ "\${funcstack[1]}" == _mjflow ]]; then _mjflow "$@"; else compdef _mjflow mjflow; fi`,
  ];
}

function optionSpec({ names, help, takesValue, takesFiles, isRepeated, choices }: OptionWords): string {
  const action = choices ? `(${choices.join(" ")})` : takesFiles ? "_files" : " ";
  const value = takesValue ? `:value:${action}` : "";
  return names.map((name) => quoted(`${isRepeated ? "*" : ""}${name}[${escaped(help)}]${value}`)).join(" ");
}

function argumentSpecs({ choices, takesFiles }: Pick<CommandWords, "choices" | "takesFiles">): string[] {
  const first = choices.length > 0 ? [quoted(`1:argument:(${choices.join(" ")})`)] : [];
  return [...first, quoted(`*:argument:${takesFiles ? "_files" : " "}`)];
}

/** Brackets and colons end the description of an option. */
function escaped(help: string): string {
  return help.replace(/[\\[\]:]/g, "\\$&");
}
