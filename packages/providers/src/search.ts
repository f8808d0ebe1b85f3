/**
 * Search for submissions whose response was lost, by the `state` that we sent. Some servers list their latest tasks, and a
 * task object has its `state` (docs/protocol.md 1.14, 2.6). A task that is found was accepted. A task that is not found may
 * also have been accepted: the list may end too early or lag behind.
 */
import type { LookupResult } from "@mjflow/core/port";
import type { SearchOperation } from "./dialect.ts";
import { isFields, textOf } from "./json.ts";
import { parseTask, type ReadOptions, taskList } from "./report.ts";

/** Fetches the vendor's list as parsed JSON; undefined if the vendor has no such route. @throws LookupError */
export type FetchRecentTasks = (operation: SearchOperation, body?: Record<string, unknown>) => Promise<unknown>;

/** Newest first, because the searched submissions are only minutes old. */
const PAGE = { pageSize: 100, sort: "id,desc" } as const;
const PAGES = 3;

/** @throws LookupError if a request fails; then the results of earlier pages are dropped */
export async function searchRecentTasks(
  fetchRecent: FetchRecentTasks,
  operations: readonly SearchOperation[],
  states: readonly string[],
  options: ReadOptions,
): Promise<LookupResult> {
  const missing = new Set(states);
  const found: LookupResult = { reports: [], requests: 0 };
  for (const operation of operations) {
    const pages = operation === "query" ? PAGES : 1;
    for (let page = 0; page < pages; page++) {
      const list = await fetchRecent(operation, operation === "query" ? { pageNumber: page, ...PAGE } : undefined);
      found.requests++;
      if (list === undefined) break;
      for (const item of taskList(list) ?? []) {
        const state = isFields(item) ? stateMarker(item["state"]) : undefined;
        // The newest of several tasks with one state counts. A busy attempt releases its number, so its state is used again.
        const report = state !== undefined && missing.delete(state) ? parseTask(item, options) : undefined;
        if (report) found.reports.push({ ...report, state });
      }
      if (missing.size === 0 || page + 1 === pages || isLast(list)) return found;
    }
  }
  return found;
}

/** Returns the state without `::1`: trueai-org numbers the children of "Imagine all", and the first child counts. */
function stateMarker(state: unknown): string | undefined {
  return textOf(state, 255)?.replace(/::1$/, "");
}

/** Returns true for the last page. The field `last` has priority, because a server may return shorter pages. */
function isLast(list: unknown): boolean {
  if (isFields(list) && typeof list["last"] === "boolean") return list["last"];
  return (taskList(list)?.length ?? 0) < PAGE.pageSize;
}
