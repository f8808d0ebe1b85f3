/**
 * The ledger of a vendor: all requests and callbacks. Tests use it to prove that nothing was submitted twice. It contains no
 * notifyHook URL and no key, only whether a request had a notifyHook.
 */
import type { LookupVerb, Verb } from "./dialect.ts";
import type { FaultKind } from "./fault.ts";
import type { ProviderId } from "./provider.ts";
import type { Action, Status } from "./task.ts";

export interface Submission {
  seq: number;
  at: number;
  provider: ProviderId;
  verb: Verb;
  mode: string | null;
  parentId: string | null;
  customId: string | null;
  action: Action | null;
  prompt: string | null;
  state: string | null;
  hasHook: boolean;
  /** Images of the request: links as they are, data URIs with their size instead of their data. */
  images: string[];
  /** Task that this submission created or changed; null if none, whatever the response was. */
  taskId: string | null;
  /** Code before a relay rewrites it; null if no response has a code. */
  code: number | null;
  httpStatus: number | null;
  outcome: "accepted" | "queued" | "modal" | "done" | "existing" | "uploaded" | "cancelled" | "busy" | "refused";
  fault: FaultKind | null;
}

export interface Lookup {
  seq: number;
  at: number;
  provider: ProviderId;
  verb: LookupVerb;
  /** Requested ids; empty for lists without ids. */
  ids: string[];
  found: number;
  httpStatus: number;
  fault: FaultKind | null;
}

export interface CallbackPost {
  seq: number;
  at: number;
  provider: ProviderId;
  taskId: string;
  status: Status;
  progress: string | null;
  outcome: "delivered" | "refused" | "unreachable" | "lost";
  /** HTTP status of the receiver; it has no effect. Null if there was no response. */
  httpStatus: number | null;
  fault: FaultKind | null;
}

export interface Counts {
  submissions: number;
  /** Number of created tasks, which a vendor would charge, with or without a response. */
  tasks: number;
  /** Number of tasks from a button of a task that was already pressed: the client paid twice. */
  duplicatePresses: number;
  refused: number;
  busy: number;
  lookups: number;
  lookedUpIds: number;
  callbacks: number;
  callbacksDelivered: number;
  callbacksRefused: number;
  callbacksUnreachable: number;
  callbacksLost: number;
}

export interface Ledger {
  submissions: Submission[];
  lookups: Lookup[];
  callbacks: CallbackPost[];
  counts: Counts;
}

export type Entry =
  | { kind: "submission"; row: Submission }
  | { kind: "lookup"; row: Lookup }
  | { kind: "callback"; row: CallbackPost };

type Draft<T> = Omit<T, "seq">;

export interface LedgerBook {
  view(): Ledger;
  submission(row: Draft<Submission>): void;
  lookup(row: Draft<Lookup>): void;
  callback(row: Draft<CallbackPost>): void;
  clear(): void;
}

/** Number of stored rows per list. The counts stay exact beyond this limit. */
const MAX_ROWS = 50_000;

export function createLedger(stored: Iterable<Entry>, onEntry: (entry: Entry) => void): LedgerBook {
  let book = blank();
  const presses = new Set<string>();
  let seq = 0;

  function apply(entry: Entry): void {
    seq = Math.max(seq, entry.row.seq);
    const { counts } = book;
    if (entry.kind === "submission") {
      const { row } = entry;
      append(book.submissions, row);
      counts.submissions++;
      if (row.outcome === "refused") counts.refused++;
      if (row.outcome === "busy") counts.busy++;
      if (row.taskId === null || row.verb === "modal" || row.outcome === "existing" || row.verb === "cancel") return;
      counts.tasks += row.taskId.split(",").length;
      if (row.parentId === null) return;
      const press = JSON.stringify([row.provider, row.parentId, row.customId]);
      if (presses.has(press)) counts.duplicatePresses++;
      presses.add(press);
    } else if (entry.kind === "lookup") {
      append(book.lookups, entry.row);
      counts.lookups++;
      counts.lookedUpIds += entry.row.ids.length;
    } else {
      append(book.callbacks, entry.row);
      counts.callbacks++;
      if (entry.row.outcome === "delivered") counts.callbacksDelivered++;
      if (entry.row.outcome === "refused") counts.callbacksRefused++;
      if (entry.row.outcome === "unreachable") counts.callbacksUnreachable++;
      if (entry.row.outcome === "lost") counts.callbacksLost++;
    }
  }

  function write(entry: Entry): void {
    apply(entry);
    onEntry(entry);
  }

  for (const entry of stored) apply(entry);
  return {
    view: () => book,
    submission: (row) => write({ kind: "submission", row: { seq: seq + 1, ...row } }),
    lookup: (row) => write({ kind: "lookup", row: { seq: seq + 1, ...row } }),
    callback: (row) => write({ kind: "callback", row: { seq: seq + 1, ...row } }),
    clear() {
      book = blank();
      presses.clear();
    },
  };
}

function append<T>(rows: T[], row: T): void {
  rows.push(row);
  if (rows.length > MAX_ROWS * 1.1) rows.splice(0, rows.length - MAX_ROWS);
}

function blank(): Ledger {
  return {
    submissions: [],
    lookups: [],
    callbacks: [],
    counts: {
      submissions: 0,
      tasks: 0,
      duplicatePresses: 0,
      refused: 0,
      busy: 0,
      lookups: 0,
      lookedUpIds: 0,
      callbacks: 0,
      callbacksDelivered: 0,
      callbacksRefused: 0,
      callbacksUnreachable: 0,
      callbacksLost: 0,
    },
  };
}
