import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanUp, createTempFolder } from "../test/test-folder.ts";
import { lockFolder } from "./data-folder.ts";

/** Content of the lock of a process. */
function lockOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return `${pid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
}

/** One turn of the event loop. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("the lock of a running process is respected", () => {
  const dataDir = createTempFolder();
  writeFileSync(join(dataDir, "house.lock"), lockOf(process.ppid));
  expect(() => lockFolder(dataDir)).toThrow(`Another mjflow (process ${process.ppid}) uses ${dataDir}`);
});

test("the lock of a process that has ended and was not reaped is replaced", async () => {
  const dataDir = createTempFolder();
  // `exec` replaces the shell, so no process reads the exit code of its child. The child stays a zombie.
  // The child waits for the end of its input: a child that ended before `exec` would be reaped by the shell.
  const parent = spawn("sh", ["-c", "exec 3<&0; cat <&3 >/dev/null & echo $!; exec tail -f /dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  cleanUp.push(() => parent.kill("SIGKILL"));
  const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once("data", resolve)));
  while (readFileSync(`/proc/${parent.pid}/comm`, "utf8").trim() !== "tail") await nextTurn();
  parent.stdin.end();
  const state = () => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  };
  while (state() !== "Z") await nextTurn();
  expect(() => process.kill(pid, 0)).not.toThrow();
  writeFileSync(join(dataDir, "house.lock"), lockOf(pid));
  const unlock = lockFolder(dataDir);
  expect(readFileSync(join(dataDir, "house.lock"), "utf8")).toMatch(new RegExp(`^${process.pid}\\b`));
  unlock();
});
