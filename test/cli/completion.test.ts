/** The completion scripts, run by the shells. A shell that this machine lacks is skipped. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mjflow } from "./test-mjflow.ts";

let folder: string;
const scriptOf = (shell: string) => join(folder, `mjflow.${shell}`);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-completion-"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await mjflow(undefined, ["completion", shell]);
    expect(code).toBe(0);
    writeFileSync(scriptOf(shell), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const exists = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

/** What each line completes to, sorted. */
const EXPECTED: [line: string, words: string[]][] = [
  ["mjflow en", ["endpoints"]],
  ["mjflow endpoints e", ["enable"]],
  ["mjflow imagine --mode ", ["fast", "relax", "turbo"]],
  ["mjflow imagine boat --no", ["--no-wait", "--notify-hook"]],
  ["mjflow trigger flow.", ["flow.completed", "flow.failed"]],
  ["mjflow help comp", ["completion"]],
  ["mjflow completion ", ["bash", "fish", "zsh"]],
  ["mjflow flows --status c", ["canceled", "completed"]],
];

test.skipIf(!exists("bash"))("bash completes commands, options, their values and arguments", () => {
  const program = `
    source "$1"
    while IFS= read -r line; do
      COMP_WORDS=($line)
      [[ "$line" == *" " ]] && COMP_WORDS+=("")
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _mjflow
      echo "\${COMPREPLY[*]}"
    done`;
  const input = `${EXPECTED.map(([line]) => line).join("\n")}\n`;
  const output = execFileSync("bash", ["--norc", "-c", program, "bash", scriptOf("bash")], { input, encoding: "utf8" });
  expect(
    output
      .trimEnd()
      .split("\n")
      .map((text) => text.split(" ").sort()),
  ).toEqual(EXPECTED.map(([, words]) => words));
  const registered = execFileSync("bash", [
    "--norc",
    "-c",
    `source "$1"; complete -p mjflow`,
    "bash",
    scriptOf("bash"),
  ]);
  expect(registered.toString()).toContain("_mjflow");
});

test.skipIf(!exists("fish"))("fish completes commands, options, their values and arguments", () => {
  const program = `source ${scriptOf("fish")}; ${EXPECTED.map(([line]) => `complete -C '${line}'; echo ==`).join("; ")}`;
  const output = execFileSync("fish", ["--no-config", "-c", program], { encoding: "utf8" });
  const found = output.trimEnd().split(/^==$/m).slice(0, EXPECTED.length);
  const words = found.map((text) =>
    text
      .trim()
      .split("\n")
      .map((line) => line.split("\t")[0]!)
      .sort(),
  );
  expect(words).toEqual(EXPECTED.map(([, expected]) => expected));
});

test.skipIf(!exists("zsh"))("zsh accepts the script and registers it", () => {
  const program = `autoload -U compinit; compinit -u -D; source "$1"; echo $_comps[mjflow]`;
  const output = execFileSync("zsh", ["-f", "-c", program, "zsh", scriptOf("zsh")], { encoding: "utf8" });
  expect(output.trim()).toBe("_mjflow");
});

test("the scripts contain every option of every command once, with its values", async () => {
  const { stdout } = await mjflow(undefined, ["completion", "zsh"]);
  for (const option of ["--forward-to", "--then", "--no-wait", "--scheme"]) expect(stdout).toContain(option);
  expect(stdout).toContain(":value:(v1 v1a)");
  // Every line of the script is complete: the output shows no replaced line breaks.
  expect(stdout).not.toContain("�");
});
