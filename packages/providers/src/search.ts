/**
 * Search for submissions whose response was lost, by the `state` that we sent. A task that is found was accepted. A task that
 * is not found may also have been accepted if the vendor's list ended before it. Therefore the result says from which time
 * on the list was complete.
 *
 * plus filters its pages by `state` (docs/protocol.md 1.14), so one request a state finds the task among any number of newer
 * ones. A server that ignores the filter shows itself by tasks with other states; then the pages are read.
 */
import type { SearchResult } from "@mjflow/core/port";
import type { Report } from "@mjflow/core/report";
import type { Dialect, SearchOperation } from "./dialect.ts";
import { type Fields, isFields, textOf } from "./json.ts";
import { parseTask, type ReadOptions, taskList, timeOf } from "./report.ts";

export interface RecentList {
  body: unknown;
  /** True if the response was larger than the limit, so the end of the list is missing. Its last item may be cut, too. */
  cut: boolean;
}

/** Fetches the vendor's list; undefined if the vendor has no such route. @throws LookupError */
export type FetchRecentTasks = (
  operation: SearchOperation,
  body?: Record<string, unknown>,
) => Promise<RecentList | undefined>;

/** Newest first, because the searched submissions are only minutes old. */
const PAGE = { pageSize: 100, sort: "id,desc" } as const;
const PAGES = 3;

/** @throws LookupError if a request fails; then the results of earlier requests are dropped */
export async function searchRecentTasks(
  fetchRecent: FetchRecentTasks,
  dialect: Pick<Dialect, "search" | "recentLimit">,
  states: readonly string[],
  options: ReadOptions,
): Promise<SearchResult> {
  const search = new Search(states, options);
  for (const operation of dialect.search) {
    const isListed =
      operation === "query"
        ? await searchQuery(fetchRecent, search)
        : await searchWhole(fetchRecent, search, dialect.recentLimit);
    if (isListed) break;
  }
  return search.result();
}

/** Returns false if the vendor has no such route. */
async function searchQuery(fetchRecent: FetchRecentTasks, search: Search): Promise<boolean> {
  const byState = await searchByState(fetchRecent, search);
  return byState === "ignored" ? searchPages(fetchRecent, search) : byState === "searched";
}

/** Parallel requests, after the first has shown that the server filters. */
const PARALLEL = 5;

async function searchByState(
  fetchRecent: FetchRecentTasks,
  search: Search,
): Promise<"searched" | "ignored" | "no route"> {
  const states = [...search.missing];
  for (let i = 0; i < states.length; i += i === 0 ? 1 : PARALLEL) {
    const batch = states.slice(i, i === 0 ? 1 : i + PARALLEL);
    const lists = await Promise.all(
      batch.map((state) => search.count(fetchRecent("query", { pageNumber: 0, ...PAGE, state }))),
    );
    for (const [n, list] of lists.entries()) {
      if (!list) return "no route";
      search.add(list);
      const isIgnored = itemsOf(list).some((item) => stateMarker(item["state"]) !== batch[n]);
      if (isIgnored) return search.missing.size === 0 ? "searched" : "ignored";
    }
  }
  // A server that shows no task at all may have lost its database, or may not be ready. It proves nothing.
  if (!search.hasSeenTasks) {
    const newest = await search.count(fetchRecent("query", { pageNumber: 0, ...PAGE }));
    if (newest) search.add(newest);
  }
  if (search.hasSeenTasks) search.completeSince = 0;
  return "searched";
}

async function searchPages(fetchRecent: FetchRecentTasks, search: Search): Promise<boolean> {
  for (let page = 0; page < PAGES; page++) {
    const list = await search.count(fetchRecent("query", { pageNumber: page, ...PAGE }));
    if (!list) return page > 0;
    search.add(list);
    search.reach(list, isFields(list.body) && list.body["last"] === true);
    if (search.missing.size === 0 || list.cut || isLastPage(list.body)) break;
  }
  return true;
}

async function searchWhole(fetchRecent: FetchRecentTasks, search: Search, limit: number | undefined): Promise<boolean> {
  const list = await search.count(fetchRecent("recent"));
  if (!list) return false;
  search.add(list);
  search.reach(list, limit !== undefined && itemsOf(list).length < limit);
  return true;
}

class Search {
  readonly missing: Set<string>;
  completeSince: number | undefined;
  /** True if a list of this search had a task, ours or another. */
  hasSeenTasks = false;
  private readonly reports: Report[] = [];
  private readonly options: ReadOptions;
  private requests = 0;

  constructor(states: readonly string[], options: ReadOptions) {
    this.missing = new Set(states);
    this.options = options;
  }

  async count(list: ReturnType<FetchRecentTasks>): Promise<RecentList | undefined> {
    this.requests++;
    return list;
  }

  add(list: RecentList): void {
    const items = itemsOf(list);
    this.hasSeenTasks ||= items.length > 0;
    for (const item of items) {
      const state = stateMarker(item["state"]);
      // The newest of several tasks with one state counts. A busy attempt releases its number, so its state is used again.
      const report = state !== undefined && this.missing.delete(state) ? parseTask(item, this.options) : undefined;
      if (report) this.reports.push({ ...report, state });
    }
  }

  /**
   * Notes how far a list reaches back: to the earliest submission that it shows. An empty list proves nothing.
   *
   * @param isWhole true if the server says that it has no further tasks. We do not conclude it from a short list, because
   *   servers limit their lists without saying so.
   */
  reach(list: RecentList, isWhole: boolean): void {
    const items = itemsOf(list);
    const times = items.flatMap((item) => timeOf(item["submitTime"]) ?? []);
    if (!list.cut && isWhole && items.length > 0) this.completeSince = 0;
    else if (times.length > 0) this.completeSince = Math.min(...times);
  }

  result(): SearchResult {
    const { reports, requests, completeSince } = this;
    return { reports, requests, ...(completeSince !== undefined && { completeSince }) };
  }
}

function itemsOf({ body, cut }: RecentList): Fields[] {
  const items = taskList(body) ?? [];
  return (cut ? items.slice(0, -1) : items).filter(isFields);
}

/** Returns the state without `::1`: trueai-org numbers the children of "Imagine all", and the first child counts. */
function stateMarker(state: unknown): string | undefined {
  return textOf(state, 255)?.replace(/::1$/, "");
}

/** Returns true for the last page. The field `last` has priority, because a server may return shorter pages. */
function isLastPage(list: unknown): boolean {
  if (isFields(list) && typeof list["last"] === "boolean") return list["last"];
  return (taskList(list)?.length ?? 0) < PAGE.pageSize;
}
