import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { HEAP_FLAGS } from "./heap.ts";

const folder = mkdtempSync(join(tmpdir(), "mjflow-heap-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Tells its pid before and after the call, so a process that was replaced tells it three times. */
const PROGRAM = join(folder, "program.mjs");
writeFileSync(
  PROGRAM,
  `const tell = (text) => (process.send ? process.send(text) : console.log(text));
tell(String(process.pid));
(await import(${JSON.stringify(new URL("./heap.ts", import.meta.url).href)})).ensureHeapFlags();
tell(JSON.stringify([process.pid, process.execArgv, process.argv.slice(2)]));`,
);

async function run(flags: readonly string[], env: Record<string, string> = {}) {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, PROGRAM, "first", "--second"], {
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  const lines = stdout.trim().split("\n");
  return { pids: lines.slice(0, -1).map(Number), end: JSON.parse(lines.at(-1)!) as [number, string[], string[]] };
}

test.skipIf(process.platform === "win32")(
  "a process without flags is replaced once, with the same pid, flags and arguments",
  async () => {
    const { pids, end } = await run(["--no-warnings"]);
    const [pid, flags, args] = end;
    expect(pids).toEqual([pid, pid]);
    expect(flags).toEqual([...HEAP_FLAGS, "--no-warnings"]);
    expect(args).toEqual(["first", "--second"]);
  },
);

test("a size that the operator has chosen stays", async () => {
  for (const [flags, env] of [
    [["--max-semi-space-size=32"], {}],
    [[], { NODE_OPTIONS: "--max-semi-space-size=32" }],
  ] as const) {
    const { pids, end } = await run(flags, env);
    expect([pids.length, end[1]]).toEqual([1, flags]);
  }
});

test("a process whose parent is connected by a channel is not replaced, because the channel would be lost", async () => {
  const child = fork(PROGRAM, [], { execArgv: [], env: { ...process.env, NODE_OPTIONS: "" } });
  const told: unknown[] = [];
  child.on("message", (text) => told.push(text));
  await once(child, "exit");
  expect(told).toEqual([String(child.pid), JSON.stringify([child.pid, [], []])]);
});
