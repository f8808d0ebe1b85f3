/** What a test leaves behind is put away after it, the newest first. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

export const undo: (() => unknown)[] = [];
afterEach(async () => {
  while (undo.length > 0) await undo.pop()!();
});

/** A new one, gone after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "mjflow-local-"));
  undo.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
