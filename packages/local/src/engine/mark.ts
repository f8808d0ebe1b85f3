/**
 * The mark: a small file beside the database. It says which data the folder holds and how many commits of it are on the
 * disk. It is written after each sync, without a sync of its own. Therefore the mark never counts more commits than a
 * crash or a power cut leaves in the database. If the database has fewer, it is not the latest one, or its log is
 * missing.
 */
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface Mark {
  /** Random text of one series of commits. A backup starts a new series, so files of two folders cannot be mixed. */
  epoch: string;
  /** Number of commits that are on the disk. */
  commits: number;
}

export const MARK_FILE = "mjflow.mark";
/** The content has always the same length, so that it is replaced without a change of the file's size. */
const DIGITS = 16;

export const newEpoch = () => randomBytes(4).toString("hex");

/** @returns undefined if the file does not exist or its content is damaged */
export function readMark(dataDir: string): Mark | undefined {
  try {
    const { epoch, commits } = JSON.parse(readFileSync(join(dataDir, MARK_FILE), "utf8")) as Partial<Mark>;
    return typeof epoch === "string" && Number.isInteger(commits) ? { epoch, commits: commits! } : undefined;
  } catch {
    return undefined;
  }
}

export interface MarkWriter {
  write(commits: number): void;
  close(): void;
}

/** Writes the mark and keeps its file open. The old content is overwritten, so that no crash leaves an empty file. */
export function openMark(dataDir: string, { epoch, commits }: Mark): MarkWriter {
  const file = openSync(join(dataDir, MARK_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
  const write = (count: number) => {
    writeSync(file, `{"epoch":${JSON.stringify(epoch)},"commits":${String(count).padStart(DIGITS)}}\n`, 0);
  };
  write(commits);
  return {
    write(count) {
      try {
        write(count);
      } catch {
        // An older mark is true too: it only notices less.
      }
    },
    close: () => closeSync(file),
  };
}
