/** Cleanup after each test, newest first. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

export const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  while (cleanUp.length > 0) await cleanUp.pop()!();
});

/** Creates a temporary folder that is deleted after the test. */
export function createTempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "mjflow-local-"));
  cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
