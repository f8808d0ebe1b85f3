/** The completion script of bash, also of version 3.2, which macOS has. */
import type { CommandWords } from "./words.ts";

export function bashScript(commands: readonly CommandWords[]): string[] {
  const names = commands.map(({ name }) => name).join(" ");
  return [
    "# Completion of mjflow for bash: source <(mjflow completion bash)",
    "_mjflow() {",
    `  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""`,
    "  COMPREPLY=()",
    "  if ((COMP_CWORD == 1)); then",
    `    words="${names}"`,
    "  else",
    `    case "\${COMP_WORDS[1]}:$previous" in`,
    ...commands.flatMap(valueCases),
    "      *)",
    '        if [[ "$word" == -* ]]; then',
    `          case "\${COMP_WORDS[1]}" in`,
    ...commands.map(
      ({ name, options }) => `            ${name}) words="${options.flatMap((o) => o.names).join(" ")}" ;;`,
    ),
    "          esac",
    "        elif ((COMP_CWORD == 2)); then",
    `          case "\${COMP_WORDS[1]}" in`,
    ...commands
      .filter(({ choices }) => choices.length > 0)
      .map(({ name, choices }) => `            ${name}) words="${choices.join(" ")}" ;;`),
    "          esac",
    "        fi",
    "        ;;",
    "    esac",
    "  fi",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    // Where nothing matches, bash completes file names.
    "complete -o default -F _mjflow mjflow",
  ];
}

/** An option that takes a value: what follows it is a value, and no option. */
function valueCases({ name, options }: CommandWords): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .flatMap(({ names, choices = [] }) =>
      names.map((option) => `      ${name}:${option}) words="${choices.join(" ")}" ;;`),
    );
}
