/**
 * The vendor's own account of what it was asked and what it posted: the witness in every test about duplicates.
 * Never holds a notifyHook or a key: only whether there was a hook.
 */
import type { LookupVerb, ProviderId, Verb } from "./dialect.ts";
import type { FaultKind } from "./fault.ts";
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
  /** The task this submission made or moved; null when it made none, whatever the client was told. */
  taskId: string | null;
  /** The code decided, before a relay rewrote it; null when none was answered. */
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
  /** Ids asked for; empty for the lists that take none. */
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
  /** What the receiver answered; a vendor only notes it. */
  httpStatus: number | null;
  fault: FaultKind | null;
}

export interface Counts {
  submissions: number;
  /** Tasks created, answered or not: what a vendor would bill. */
  tasks: number;
  /** Tasks made by pressing a button of a task that had been pressed before: money lost. */
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

/** Rows kept for reading, per list; counts stay exact beyond it. */
const KEEP = 50_000;

export function createLedger(past: Iterable<Entry>, written: (entry: Entry) => void): LedgerBook {
  let book = blank();
  const presses = new Set<string>();
  let seq = 0;

  function enter(entry: Entry): void {
    seq = Math.max(seq, entry.row.seq);
    const { counts } = book;
    if (entry.kind === "submission") {
      const { row } = entry;
      keep(book.submissions, row);
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
      keep(book.lookups, entry.row);
      counts.lookups++;
      counts.lookedUpIds += entry.row.ids.length;
    } else {
      keep(book.callbacks, entry.row);
      counts.callbacks++;
      if (entry.row.outcome === "delivered") counts.callbacksDelivered++;
      if (entry.row.outcome === "refused") counts.callbacksRefused++;
      if (entry.row.outcome === "unreachable") counts.callbacksUnreachable++;
      if (entry.row.outcome === "lost") counts.callbacksLost++;
    }
  }

  function write(entry: Entry): void {
    enter(entry);
    written(entry);
  }

  for (const entry of past) enter(entry);
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

function keep<T>(rows: T[], row: T): void {
  rows.push(row);
  if (rows.length > KEEP * 1.1) rows.splice(0, rows.length - KEEP);
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
