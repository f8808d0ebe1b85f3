/** A terminal for tests: as much of one as is written to. */
import type { Output } from "./platform.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what a terminal reads
const ESCAPE = /^\u001b\[(\??)(\d*)([A-Za-z])/;

export class Screen implements Output {
  readonly isTTY = true;
  columns: number;
  rows: number;
  written = "";
  hasCursor = true;
  /** What stands on it as lines that were ended, however often they wrap. */
  #lines: string[] = [""];
  /** In lines as they were written; the cursor is always at the end or the beginning of one. */
  #at = 0;
  #column = 0;
  /** Called after each write. */
  onWrite: () => void = () => {};

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    this.written += text;
    for (let rest = text; rest !== ""; ) {
      const found = ESCAPE.exec(rest);
      if (found) this.#obey(found[3]!, Number(found[2] || 1), found[1] === "?");
      else this.#put(rest[0]!);
      rest = rest.slice(found ? found[0].length : 1);
    }
    this.onWrite();
    return true;
  }

  resize(columns: number): void {
    this.columns = columns;
  }

  /** As they look: wrapped, without what is empty beneath. */
  lines(): string[] {
    const rows = this.#lines.flatMap((line) => this.#wrapped(line).map((row) => row.trimEnd()));
    while (rows.at(-1) === "") rows.pop();
    return rows;
  }

  #wrapped(line: string): string[] {
    const rows = [];
    for (let at = 0; at === 0 || at < line.length; at += this.columns) rows.push(line.slice(at, at + this.columns));
    return rows;
  }

  #obey(deadLetter: string, count: number, isPrivate: boolean): void {
    if (isPrivate && count === 25) this.hasCursor = deadLetter === "h";
    else if (deadLetter === "A") this.#up(count);
    else if (deadLetter === "K") this.#lines[this.#at] = "";
    else if (deadLetter === "J") this.#lines.length = this.#at + 1;
    else if (deadLetter !== "m") throw new Error(`the screen knows no ${deadLetter}`);
    if (deadLetter === "J") this.#lines[this.#at] = this.#lines[this.#at]!.slice(0, this.#column);
  }

  /** Rows, not lines: what has wrapped takes several. */
  #up(count: number): void {
    for (let rows = count; rows > 0; ) {
      if (this.#at === 0) throw new Error("above the screen");
      this.#at -= 1;
      rows -= this.#wrapped(this.#lines[this.#at]!).length;
      if (rows < 0) throw new Error("into the middle of a line that wraps");
    }
  }

  #put(char: string): void {
    if (char === "\r") this.#column = 0;
    else if (char === "\n") {
      this.#at += 1;
      this.#column = 0;
      if (this.#at === this.#lines.length) this.#lines.push("");
    } else {
      const line = this.#lines[this.#at]!;
      this.#lines[this.#at] = line.slice(0, this.#column) + char + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }
}
