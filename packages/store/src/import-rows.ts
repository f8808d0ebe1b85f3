/**
 * Writes the rows of a self-hosted server to the table of a deployment. It can be interrupted at every request and
 * started again; each row is written once.
 *
 * - First every row is written without its entry in the due index, so the sweeper cannot act on half of a flow. Rows of
 *   apps wait, so no app can use its keys yet. The due entries follow, then the apps.
 * - The row `IMPORT_KEY` says which import a table has and how far it is. Another import is refused until it is done.
 * - A row of the deployment is never overwritten. Before the first write every key is looked up, and one that has another
 *   row stops the import.
 */
import { MjflowError } from "@mjflow/core/error";
import { type Item, itemBytes, keyOf, NONCE_ATTRIBUTE, REV_ATTRIBUTE } from "./codec.ts";
import { entity } from "./entity.ts";
import { ATTRIBUTE, counterIdOfKey, IMPORT_KEY, isApp, isHealth, type Key, keyText } from "./keys.ts";
import type { Table } from "./table.ts";

/** Reads the rows from the beginning, once for each call. */
export type RowSource = () => AsyncIterable<Item>;

export interface ImportDeps {
  table: Table;
  sleep?: (ms: number) => Promise<void>;
}

export interface ImportCounts {
  rows: number;
  /** Sum of the sizes that DynamoDB bills, bytes. */
  bytes: number;
  /** Rows that this run wrote. */
  written: number;
  /** Rows that an earlier run wrote. */
  found: number;
  /** Rows that the deployment has changed after an earlier run wrote them. */
  newer: number;
  /** Rows of account health that the deployment had before. */
  kept: number;
}

export interface ImportResult extends ImportCounts {
  /** `checked`: a dry run found nothing that stops the import. `done`: this run completed it. `before`: an earlier run did. */
  state: "checked" | "done" | "before";
}

/** The import was refused; the message says what to do. */
export class ImportError extends Error {
  override readonly name = "ImportError";
}

type Phase = "rows" | "due" | "done";

interface Mark {
  rev: number;
  exportId: string;
  phase: Phase;
}

const MARK = entity<Mark>()({
  key: () => IMPORT_KEY,
  idOf: () => ({}),
  fields: {
    exportId: ["id", "text"],
    phase: ["ph", "text"],
  },
});

/** Rows that are read or written at the same time. */
const TOGETHER = 25;
/** Number of keys that the message about conflicts names. */
const NAMED_CONFLICTS = 5;
const THROTTLED_TRIES = 8;
const THROTTLED_PAUSE_MS = 250;
/** Tries to give a credit counter its due entry while flows change it. */
const DUE_TRIES = 5;

/**
 * @param exportId id of the export; the same id continues an interrupted import
 * @throws ImportError if the table has rows or an import that this one would mix with
 * @throws MjflowError `overloaded` if the table still throttles after a minute
 */
export async function importRows(
  { table, sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }: ImportDeps,
  exportId: string,
  rows: RowSource,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<ImportResult> {
  const counts: ImportCounts = { rows: 0, bytes: 0, written: 0, found: 0, newer: 0, kept: 0 };
  let mark = await readMark(table);
  const isOwn = mark?.exportId === exportId;
  if (mark && !isOwn && mark.phase !== "done") {
    throw new ImportError(
      `The import of export ${mark.exportId} into this table is not finished. Finish it first: run mjflow import with its folder again.`,
    );
  }
  if (mark && isOwn && mark.phase === "done") return { ...counts, state: "before" };
  if (isOwn) for await (const item of rows()) count(item);
  else await check();
  if (dryRun) return { ...counts, state: "checked" };

  if (!isOwn) await enter("rows");
  if (mark!.phase === "rows") {
    await each((item) => (isApp(keyOf(item)) ? undefined : create(withoutDue(item))));
    await enter("due");
  }
  await each((item) => (item[ATTRIBUTE.dueShard] ? addDueEntry(item) : undefined));
  await each((item) => (isApp(keyOf(item)) ? create(item) : undefined));
  await enter("done");
  return { ...counts, state: "done" };

  function count(item: Item): void {
    counts.rows++;
    counts.bytes += itemBytes(item);
  }

  /** @throws ImportError if a key has a row of the deployment */
  async function check(): Promise<void> {
    const conflicts: Key[] = [];
    for await (const chunk of chunks(rows())) {
      chunk.forEach(count);
      for (const current of await patiently(() => table.getAll(chunk.map(keyOf)))) {
        const item = chunk.find((each) => keyText(keyOf(each)) === keyText(keyOf(current)))!;
        if (!isHealth(keyOf(item)) && !isSame(item, current)) conflicts.push(keyOf(item));
      }
    }
    if (conflicts.length > 0) throw conflictError(conflicts);
  }

  async function enter(phase: Phase): Promise<void> {
    const next: Mark = { rev: (mark?.rev ?? 0) + 1, exportId, phase };
    const put = await patiently(() => table.put(MARK.toItem(next), mark?.rev));
    if (!put.ok) throw new ImportError("Another process imports into this table. Wait for its end, then start again.");
    mark = next;
  }

  async function each(handle: (item: Item) => Promise<void> | undefined): Promise<void> {
    for await (const chunk of chunks(rows())) await Promise.all(chunk.map(handle));
  }

  async function create(item: Item): Promise<void> {
    const put = await patiently(() => table.put(item, undefined));
    if (put.ok) counts.written++;
    else if (put.current && isSame(item, put.current)) counts.found++;
    else if (isHealth(keyOf(item))) counts.kept++;
    else if (put.current && revOf(put.current) > revOf(item)) counts.newer++;
    else throw conflictError([keyOf(item)]);
  }

  /**
   * A row that the deployment has changed meanwhile has the due entry of its writer. Only a credit counter does not: an
   * update changes single attributes of it.
   */
  async function addDueEntry(item: Item): Promise<void> {
    let put = await patiently(() => table.put(item, revOf(item)));
    for (let tries = 0; tries < DUE_TRIES; tries++) {
      const { current } = put.ok ? {} : put;
      if (current === undefined || current[ATTRIBUTE.dueShard] || counterIdOfKey(keyOf(item)) === undefined) return;
      const due = { [ATTRIBUTE.dueShard]: item[ATTRIBUTE.dueShard]!, [ATTRIBUTE.dueAt]: item[ATTRIBUTE.dueAt]! };
      const next = { ...due, ...current, [REV_ATTRIBUTE]: { N: String(revOf(current) + 1) } };
      put = await patiently(() => table.put(next, revOf(current)));
    }
  }

  /** A new table of DynamoDB throttles until it has grown to the load. */
  async function patiently<T>(request: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await request();
      } catch (error) {
        const isThrottled = error instanceof MjflowError && error.code === "overloaded";
        if (!isThrottled || tries >= THROTTLED_TRIES) throw error;
        await sleep(THROTTLED_PAUSE_MS * 2 ** tries);
      }
    }
  }
}

async function readMark(table: Table): Promise<Mark | undefined> {
  const item = await table.get(IMPORT_KEY);
  return item && MARK.ofItem(item);
}

async function* chunks(rows: AsyncIterable<Item>): AsyncIterable<Item[]> {
  let chunk: Item[] = [];
  for await (const item of rows) {
    chunk.push(item);
    if (chunk.length < TOGETHER) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

function conflictError(keys: readonly Key[]): ImportError {
  const named = keys.slice(0, NAMED_CONFLICTS).map(({ pk, sk }) => `${pk} / ${sk}`);
  const more = keys.length > named.length ? ` and ${keys.length - named.length} more` : "";
  return new ImportError(
    `The table has other rows with the keys ${named.join(", ")}${more}. Import into a new, unused stage.`,
  );
}

function revOf(item: Item): number {
  return Number(item[REV_ATTRIBUTE]?.N ?? 0);
}

function withoutDue({ [ATTRIBUTE.dueShard]: _, ...item }: Item): Item {
  return item;
}

/** True if both are the same revision of one row, with or without its due entry. Engines order sets differently. */
function isSame(a: Item, b: Item): boolean {
  return canonical(a) === canonical(b);
}

function canonical(item: Item): string {
  const { [NONCE_ATTRIBUTE]: _, [ATTRIBUTE.dueShard]: __, ...rest } = item;
  return JSON.stringify(sorted(rest));
}

function sorted(item: Item): unknown {
  return Object.entries(item)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, Object.keys(value)[0], comparable(value)]);
}

function comparable({ S, N, BOOL, SS, M, B }: Item[string]): unknown {
  return S ?? N ?? BOOL ?? SS?.toSorted() ?? (M ? sorted(M) : Buffer.from(B ?? []).toString("base64"));
}
