/**
 * Keeps the process alive when its output cannot be written. Without this, one log line to a file on a full disk, or to
 * a pipe whose reader has ended, ends the local server: Node destroys the stream and emits an unhandled error.
 */
import { fstatSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";

type Output = Pick<Writable, "write" | "on"> & { fd?: number };

/** @param streams for tests: replacements of stdout and stderr */
export function surviveOutputErrors(streams: readonly Output[] = [process.stdout, process.stderr]): void {
  for (const stream of streams) {
    // Lines that cannot be written are lost. They are no reason to stop.
    stream.on("error", () => {});
    // The first error destroys the stream of a file. Writes to its descriptor succeed again when the disk has space.
    if (stream.fd !== undefined && isFile(stream.fd)) stream.write = createWrite(stream.fd);
  }
}

/** True for a file, and for devices such as /dev/full. Pipes and terminals keep Node's own stream. */
function isFile(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return (
      stat.isFile() || (stat.isCharacterDevice() && process.stdout.isTTY !== true && process.stderr.isTTY !== true)
    );
  } catch {
    return false;
  }
}

/** Writes each chunk at once, as Node does for files. */
function createWrite(fd: number): Writable["write"] {
  return (chunk: Uint8Array | string, ...options: unknown[]): boolean => {
    try {
      if (typeof chunk === "string") writeSync(fd, chunk);
      else writeSync(fd, chunk);
    } catch {
      // The line is lost, see above.
    }
    const done = options.find((option) => typeof option === "function") as (() => void) | undefined;
    if (done) process.nextTick(done);
    return true;
  };
}
