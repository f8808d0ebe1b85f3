/** Reads lists over as many pages as the requested number of entries needs. */
import type { List, Page } from "@mjflow/client";
import { parseCount } from "./option.ts";

const DEFAULT_LIMIT = 20;
const MOST_PER_PAGE = 100;

export interface Paging {
  limit: string | undefined;
  all: boolean | undefined;
}

/** Number of entries to request per page. */
export function pageSize(paging: Paging): number {
  return Math.min(MOST_PER_PAGE, parseCount("--limit", paging.limit, paging.all ? MOST_PER_PAGE : DEFAULT_LIMIT));
}

/**
 * Returns the entries in the form of one API page, so that `--json` has the same form as the API. `nextCursor` is set
 * if there are more entries than requested. A server that filters its pages may need several pages for one entry.
 */
export async function collect<T>(list: List<T>, paging: Paging): Promise<Page<T>> {
  const most = paging.all ? Number.POSITIVE_INFINITY : parseCount("--limit", paging.limit, DEFAULT_LIMIT);
  const data: T[] = [];
  let nextCursor: string | null = null;
  for await (const page of list.pages()) {
    data.push(...page.data);
    nextCursor = page.nextCursor;
    if (data.length >= most) break;
  }
  return { data: data.slice(0, most), nextCursor };
}

export function moreLine({ data, nextCursor }: Page<unknown>): string[] {
  if (data.length === 0) return [];
  return nextCursor === null ? [] : ["… there may be more: --limit N, --all"];
}
