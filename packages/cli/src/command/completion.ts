/** `mjflow completion`: prints the script that completes commands and options in a shell. */
import { command } from "../command.ts";
import { bashScript } from "../completion/bash.ts";
import { fishScript } from "../completion/fish.ts";
import { wordsOf } from "../completion/words.ts";
import { zshScript } from "../completion/zsh.ts";
import { EXIT } from "../exit.ts";
import { parseChoice } from "../option.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
const SHELLS = ["bash", "zsh", "fish"] as const;

export const completion = command({
  name: "completion",
  summary: "print the completion script of a shell: bash, zsh or fish",
  usage: ["bash|zsh|fish"],
  argCount: [1, 1],
  options: {},
  choices: SHELLS,
  notes: `
  bash  echo 'source <(mjflow completion bash)' >> ~/.bashrc
  zsh   echo 'source <(mjflow completion zsh)' >> ~/.zshrc     (after compinit)
  fish  mjflow completion fish > ~/.config/fish/completions/mjflow.fish

The script completes the command \`mjflow\`. Install it with \`npm install --global mjflow\`; shells cannot complete \`npx mjflow\`.`,
  async run(context, { positionals: [name] }) {
    const shell = parseChoice("The shell", name, SHELLS)!;
    const lines = SCRIPTS[shell](wordsOf(await context.loadCommands()));
    context.show({ shell, script: `${lines.join("\n")}\n` }, () => lines);
    return EXIT.ok;
  },
});
