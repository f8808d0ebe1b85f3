/** Flows and tasks for the suites. Each test creates its own ids, so all tests of a file share one table. */
import { randomBytes } from "node:crypto";
import type { Flow } from "@mjflow/core/flow";
import { flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { newTask, type Task } from "@mjflow/core/task";

export const NOW = 1_763_700_000_000;

export function newFlow(fields: Partial<Flow> = {}): Flow {
  const createdAt = fields.createdAt ?? NOW;
  return {
    id: flowIdOf(createdAt, randomBytes(10)),
    appId: newAppId(),
    rev: 0,
    status: "running",
    action: "imagine",
    provider: "trueai-org",
    account: "default",
    prompt: "a lighthouse",
    progress: false,
    createdAt,
    ...fields,
  };
}

export function newAppId(): string {
  return `app_${randomBytes(6).toString("hex")}`;
}

export function taskIn(flowId: string, path: string = ROOT_PATH, fields: Partial<Task> = {}): Task {
  const at = { flowId, path, provider: "trueai-org", account: "default", pace: "fast" } as const;
  return { ...newTask({ ...at, action: path === ROOT_PATH ? "IMAGINE" : "UPSCALE" }, NOW, NOW + 60_000), ...fields };
}

/** About 4 KB of text that careless code corrupts: quotes, line ends, NUL, U+2028, joined emoji, combining accents. */
export const AWKWARD = `"'\`\\ \n\r\n\t\0\u2028 {"json":"[]"} %00 🧑🏽‍🚀 é e\u0301 \ufeff${"界".repeat(1_300)} `.slice(
  0,
  1_364,
);
