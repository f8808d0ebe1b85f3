/** The loop of a conditional write: after a write conflict the change is computed again from the row that was first. */
import { MjflowError } from "@mjflow/core/error";
import type { Saved } from "@mjflow/core/port";

/** Limit for write conflicts on one row. More in a row mean that something else is wrong. */
const MAX_CONFLICT_RETRIES = 10;

export interface RowChange<Read, Row> {
  /**
   * Returns what the change is computed from; undefined: it does not exist. It is called without an argument first, and with
   * the refused write after each write conflict.
   */
  read(conflict?: { current: Row | undefined }): Promise<Read | undefined> | Read | undefined;
  /**
   * Returns the row to write; undefined: there is nothing to write.
   *
   * @param retry number of write conflicts before
   */
  to(read: Read, retry: number): Promise<Row | undefined> | Row | undefined;
  save(row: Row): Promise<Saved<Row>>;
  /** Default 10. */
  maxRetries?: number;
  /** Detail of the error after `maxRetries` write conflicts. Unset: no error, and the result is `conflict`. */
  detail?: string;
  /** Code of this error. Default `overloaded`. */
  code?: "overloaded" | "write_conflict";
}

/** `read` is the last that was read. */
export type RowUpdate<Read, Row> =
  | { kind: "saved"; read: Read; row: Row }
  | { kind: "unchanged"; read: Read; row?: undefined }
  | { kind: "missing" | "conflict"; read: Read | undefined; row?: undefined };

/**
 * Changes a row under its revision.
 * @throws MjflowError `overloaded` or `write_conflict` after too many write conflicts in a row, if `detail` is set
 */
export async function updateWithRetry<Read, Row>(change: RowChange<Read, Row>): Promise<RowUpdate<Read, Row>> {
  const { maxRetries = MAX_CONFLICT_RETRIES } = change;
  let last: Read | undefined;
  let conflict: { current: Row | undefined } | undefined;
  for (let retry = 0; retry < maxRetries; retry++) {
    const read = await change.read(conflict);
    if (read === undefined) return { kind: "missing", read: last };
    last = read;
    const next = await change.to(read, retry);
    if (next === undefined) return { kind: "unchanged", read };
    const saved = await change.save(next);
    if (saved.ok) return { kind: "saved", read, row: saved.item };
    conflict = saved;
  }
  if (change.detail !== undefined) throw new MjflowError(change.code ?? "overloaded", { detail: change.detail });
  return { kind: "conflict", read: last };
}

/**
 * Deletes a row. A row that another writer has changed after the read is not deleted, so it is read again.
 * @throws MjflowError like `updateWithRetry`
 */
export async function deleteWithRetry<Row>(
  row: Row,
  {
    remove,
    read,
    ...limits
  }: Pick<RowChange<Row, Row>, "maxRetries" | "detail" | "code"> & {
    remove(row: Row): Promise<void>;
    read(): Promise<Row | undefined>;
  },
): Promise<void> {
  await updateWithRetry<Row, Row>({
    ...limits,
    read: startWith(row),
    to: (found) => found,
    async save(found) {
      await remove(found);
      const current = await read();
      return current === undefined ? { ok: true, item: found } : { ok: false, current };
    },
  });
}

/** Begins with a row that is known. After a write conflict the row that was first is next. */
export function startWith<Row>(row: Row): (conflict?: { current: Row | undefined }) => Row | undefined {
  return (conflict) => (conflict ? conflict.current : row);
}
