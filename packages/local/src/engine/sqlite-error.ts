/** Errors of SQLite that a person or a later request can do something about. */
import { MjflowError } from "@mjflow/core/error";

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

function codeOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  // The upper bytes of an extended code only add details.
  return error instanceof Error && typeof errcode === "number" ? errcode & 0xff : undefined;
}

const is = (error: unknown, ...codes: number[]) => codes.includes(codeOf(error) ?? -1);

/** True if the file cannot be written now, for example because the disk is full. */
export const isNotWritable = (error: unknown) => is(error, READONLY, IOERR, FULL, CANTOPEN);
/** True if the content of the file is not what SQLite wrote. */
export const isDamage = (error: unknown) => is(error, CORRUPT, NOTADB);
/** True if another process has the file open. */
export const isLocked = (error: unknown) => is(error, BUSY);

/** Pause for clients while nothing can be written, ms. A person has to make space first. */
const RETRY_MS = 5_000;

/** Returns `overloaded` for an error of a file that cannot be written now; otherwise the error itself. */
export function asOverloaded(error: unknown): unknown {
  if (!isNotWritable(error)) return error;
  return new MjflowError("overloaded", {
    detail: "The local server cannot write to its data folder. The disk may be full.",
    retry: { afterMs: RETRY_MS },
    cause: error,
  });
}
