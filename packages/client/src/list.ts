/** Paged lists as one iterator. */
import { unexpectedAnswer } from "./error.ts";
import { isObject } from "./problem.ts";
import type { Query, Transport } from "./transport.ts";
import type { Page } from "./types.ts";

/** A list. Iterate over all entries with `for await (const item of list)`, or read it page by page. */
export interface List<T> extends AsyncIterable<T> {
  page(cursor?: string): Promise<Page<T>>;
  pages(): AsyncGenerator<Page<T>, void>;
  /** Returns the first entries as an array; it reads only the pages that they need. `take(Infinity)` returns all. */
  take(count: number): Promise<T[]>;
}

export interface ListOptions {
  signal?: AbortSignal | undefined;
}

export function listOf<T>(transport: Transport, path: string, query: Query, { signal }: ListOptions = {}): List<T> {
  async function page(cursor?: string): Promise<Page<T>> {
    const body = await transport.send<Partial<Page<T>>>({
      path,
      query: { ...query, cursor },
      ...(signal && { signal }),
    });
    if (!isObject(body) || !Array.isArray(body.data))
      throw unexpectedAnswer("The server's response is not a list.", 200);
    return { data: body.data, nextCursor: body.nextCursor ?? null };
  }
  async function* pages(): AsyncGenerator<Page<T>, void> {
    let cursor: string | undefined;
    for (;;) {
      const next = await page(cursor);
      yield next;
      if (next.nextCursor === null) return;
      if (next.nextCursor === cursor) throw unexpectedAnswer("The server returned the same page cursor twice.", 200);
      cursor = next.nextCursor;
    }
  }
  return {
    page,
    pages,
    async take(count) {
      const items: T[] = [];
      if (!(count > 0)) return items;
      for await (const { data } of pages()) {
        items.push(...data.slice(0, count - items.length));
        if (items.length >= count) break;
      }
      return items;
    },
    async *[Symbol.asyncIterator]() {
      for await (const { data } of pages()) yield* data;
    },
  };
}
