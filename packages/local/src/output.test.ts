import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { expect, test } from "vitest";

/** A process that writes to its broken stdout as the functions and the console do, and then reports on fd 3. */
function run(stdout: number | "pipe"): { ended: Promise<[number | null, string]>; closeReader(): void } {
  const output = new URL("./output.ts", import.meta.url).href;
  const script = `
    const { writeSync } = await import("node:fs");
    (await import(${JSON.stringify(output)})).surviveOutputErrors();
    let lines = 0;
    const timer = setInterval(() => {
      process.stdout.write("a line\\n");
      console.log("a line");
      if (++lines < 20) return;
      clearInterval(timer);
      writeSync(3, "alive");
    }, 5);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", stdout, "pipe", "pipe"],
  });
  let report = "";
  child.stderr!.on("data", (chunk: Buffer) => (report += chunk));
  child.stdio[3]!.on("data", (chunk: Buffer) => (report += chunk));
  const ended = new Promise<[number | null, string]>((resolve) =>
    child.once("close", (code) => resolve([code, report])),
  );
  return { ended, closeReader: () => child.stdout?.destroy() };
}

test("a full disk below the log file does not end the process", async () => {
  expect(await run(openSync("/dev/full", "w")).ended).toEqual([0, "alive"]);
});

test("a reader that closes the pipe does not end the process", async () => {
  const child = run("pipe");
  child.closeReader();
  expect(await child.ended).toEqual([0, "alive"]);
});
