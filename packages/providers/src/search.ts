/**
 * Finding submissions whose answer was lost, by the mark we sent along as `state`: some servers list their latest tasks,
 * and a task object carries its `state` (docs/protocol.md 1.14, 2.6). What is found was taken. What is not found may have been
 * taken all the same: the list may end before it, or lag behind.
 */
import type { LookupResult } from "@mjflow/core/port";
import type { SearchVerb } from "./dialect.ts";
import { isFields, textOf } from "./json.ts";
import { parseTask, type ReadOptions, taskList } from "./report.ts";

/** The vendor's list as parsed JSON; undefined: it has no such route. @throws LookupError */
export type FetchRecentTasks = (verb: SearchVerb, body?: Record<string, unknown>) => Promise<unknown>;

/** Newest first: what is searched for was sent minutes ago, and so was what is worth reading. */
const PAGE = { pageSize: 100, sort: "id,desc" } as const;
const PAGES = 3;

/** @throws LookupError when the vendor could not be asked; what earlier pages held is then not told */
export async function searchRecentTasks(
  ask: FetchRecentTasks,
  verbs: readonly SearchVerb[],
  states: readonly string[],
  options: ReadOptions,
): Promise<LookupResult> {
  const missing = new Set(states);
  const found: LookupResult = { reports: [], requests: 0 };
  for (const verb of verbs) {
    const pages = verb === "query" ? PAGES : 1;
    for (let page = 0; page < pages; page++) {
      const list = await ask(verb, verb === "query" ? { pageNumber: page, ...PAGE } : undefined);
      found.requests++;
      if (list === undefined) break;
      for (const item of taskList(list) ?? []) {
        const state = isFields(item) ? stateMarker(item["state"]) : undefined;
        // Of several with one mark, the newest: an attempt that found the vendor busy is given back, its mark with it.
        const report = state !== undefined && missing.delete(state) ? parseTask(item, options) : undefined;
        if (report) found.reports.push({ ...report, state });
      }
      if (missing.size === 0 || page + 1 === pages || isLast(list)) return found;
    }
  }
  return found;
}

/** trueai-org numbers the children of "Imagine all" behind the mark of their one submission; the first stands for it. */
function stateMarker(state: unknown): string | undefined {
  return textOf(state, 255)?.replace(/::1$/, "");
}

/** A server may make its pages shorter than asked for: its own word comes first. */
function isLast(list: unknown): boolean {
  if (isFields(list) && typeof list["last"] === "boolean") return list["last"];
  return (taskList(list)?.length ?? 0) < PAGE.pageSize;
}
