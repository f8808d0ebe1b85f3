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

test("the lock of a running process is respected", () => {
  const dataDir = createTempFolder();
  writeFileSync(join(dataDir, "house.lock"), lockOf(process.ppid));
  expect(() => lockFolder(dataDir)).toThrow(`Another mjflow (process ${process.ppid}) uses ${dataDir}`);
});

test("the lock of a process that has ended and was not reaped is replaced", async () => {
  const dataDir = createTempFolder();
  // `exec` replaces the shell, so no process reads the exit code of its child. The child stays a zombie.
  const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "inherit"] });
  cleanUp.push(() => parent.kill("SIGKILL"));
  const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once("data", resolve)));
  const state = () => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  };
  while (state() !== "Z") await new Promise((resolve) => setImmediate(resolve));
  expect(() => process.kill(pid, 0)).not.toThrow();
  writeFileSync(join(dataDir, "house.lock"), lockOf(pid));
  const unlock = lockFolder(dataDir);
  expect(readFileSync(join(dataDir, "house.lock"), "utf8")).toMatch(new RegExp(`^${process.pid}\\b`));
  unlock();
});
