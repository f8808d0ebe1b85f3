/** Lists: as many as were asked for, over as many pages as that takes. */
import type { List, Page } from "@mjflow/client";
import { parseCount } from "./option.ts";

const DEFAULT_LIMIT = 20;
const MOST_PER_PAGE = 100;

export interface Paging {
  limit: string | undefined;
  all: boolean | undefined;
}

/** How many to ask for at a time. */
export function pageSize(paging: Paging): number {
  return Math.min(MOST_PER_PAGE, parseCount("--limit", paging.limit, paging.all ? MOST_PER_PAGE : DEFAULT_LIMIT));
}

/**
 * As the API's own page, so that `--json` reads the same here and there. A `nextCursor` says that there is more than was
 * asked for; a server that filters its pages may need several of them for one item.
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
