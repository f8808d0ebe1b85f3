/** A file of lines that is only appended to. Lines that arrive during a write are written together by the next one. */
import { closeSync, constants, existsSync, openSync, readFileSync, write } from "node:fs";

export interface AppendLog {
  /** Resolves when the line is on the disk. */
  append(record: object): Promise<void>;
  /** Number of records that were appended since the file was opened. */
  count(): number;
  close(): void;
}

/** @param replay called with each record of an existing file; a last line that a crash cut off is left out */
export function openAppendLog(file: string, replay: (record: unknown) => void): AppendLog {
  if (existsSync(file)) {
    const lines = readFileSync(file, "utf8").split("\n");
    for (const line of lines.slice(0, -1)) replay(JSON.parse(line));
  }
  // With O_DSYNC a write returns when its bytes are on the disk, without a second call.
  const { O_APPEND, O_CREAT, O_DSYNC, O_WRONLY } = constants;
  const fd = openSync(file, O_APPEND | O_CREAT | O_DSYNC | O_WRONLY);
  let lines = "";
  let waiting: PromiseWithResolvers<void> | undefined;
  let isWriting = false;
  let count = 0;

  function writeNext(): void {
    if (!waiting || isWriting) return;
    const [text, done] = [lines, waiting];
    lines = "";
    waiting = undefined;
    isWriting = true;
    const bytes = Buffer.from(text);
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      isWriting = false;
      if (error || written < bytes.length) done.reject(error ?? new Error("The line was cut off"));
      else done.resolve();
      writeNext();
    });
  }

  return {
    append(record) {
      count++;
      lines += `${JSON.stringify(record)}\n`;
      waiting ??= Promise.withResolvers<void>();
      const { promise } = waiting;
      writeNext();
      return promise;
    },
    count: () => count,
    close: () => closeSync(fd),
  };
}
