/**
 * What happened to a task, in the order of time: from the facts that the API has of the task, and from the deliveries of its events.
 * Pure. The API does not have the time of each callback, so the callbacks are one entry before the end.
 */
import type { Delivery, Task } from "@mjflow/client";

export type LogEntry = { at: string } & (
  | { kind: "submit"; provider: string }
  | { kind: "accepted"; vendorTaskId: string | null; attempts: number }
  | { kind: "callbacks"; count: number; lookups: number }
  | { kind: "ended"; status: Task["status"] }
  | { kind: "cost"; usd: number }
  | { kind: "webhook"; type: Delivery["type"]; endpoint: string; result: string; tookMs: number | undefined }
);

/** Order of entries with the same time. */
const RANKS: readonly LogEntry["kind"][] = ["submit", "accepted", "callbacks", "ended", "cost", "webhook"];

/**
 * @param deliveries those of the flow
 * @param usd estimated cost of the task
 * @param nowIso time of the entry of the callbacks while the task runs
 */
export function taskLogOf(task: Task, deliveries: readonly Delivery[], usd: number, nowIso: string): LogEntry[] {
  const { id, status, createdAt, submittingAt, submittedAt, endedAt, attempts, callbacks, lookups, provider } = task;
  const entries: LogEntry[] = [{ at: submittingAt ?? createdAt, kind: "submit", provider }];
  if (submittedAt !== null)
    entries.push({ at: submittedAt, kind: "accepted", vendorTaskId: task.providerTaskId, attempts });
  if (callbacks + lookups > 0)
    entries.push({ at: latest(endedAt ?? nowIso, submittedAt), kind: "callbacks", count: callbacks, lookups });
  if (endedAt !== null) {
    entries.push({ at: endedAt, kind: "ended", status });
    if (usd > 0) entries.push({ at: endedAt, kind: "cost", usd });
  }
  for (const { taskId, type, endpoint, attempts: posts } of deliveries) {
    if (taskId !== id) continue;
    for (const { at, status: code, why, tookMs } of posts)
      entries.push({ at: at ?? createdAt, kind: "webhook", type, endpoint, result: String(code ?? why ?? ""), tookMs });
  }
  return entries.sort((a, b) => a.at.localeCompare(b.at) || RANKS.indexOf(a.kind) - RANKS.indexOf(b.kind));
}

/** A callback can arrive before the response of the vendor. */
function latest(iso: string, other: string | null): string {
  return other !== null && other > iso ? other : iso;
}
