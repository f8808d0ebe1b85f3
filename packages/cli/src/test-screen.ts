/** A terminal for tests. It implements only the escape sequences that the command line writes. */
import type { Output } from "./platform.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads escape sequences
const ESCAPE = /^\u001b\[(\??)(\d*)([A-Za-z])/;

export class Screen implements Output {
  readonly isTTY = true;
  columns: number;
  rows: number;
  written = "";
  hasCursor = true;
  /** Lines as they were written, before wrapping. */
  #lines: string[] = [""];
  /** Index of the cursor's line in `#lines`. The cursor is always at the start or the end of a line. */
  #at = 0;
  #column = 0;
  /** Hook that runs after each write. */
  onWrite: () => void = () => {};

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    this.written += text;
    for (let rest = text; rest !== ""; ) {
      const found = ESCAPE.exec(rest);
      if (found) this.#execute(found[3]!, Number(found[2] || 1), found[1] === "?");
      else this.#put(rest[0]!);
      rest = rest.slice(found ? found[0].length : 1);
    }
    this.onWrite();
    return true;
  }

  resize(columns: number): void {
    this.columns = columns;
  }

  /** Returns the visible rows: wrapped, without empty rows at the end. */
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

  #execute(command: string, count: number, isPrivate: boolean): void {
    if (isPrivate && count === 25) this.hasCursor = command === "h";
    else if (command === "A") this.#up(count);
    else if (command === "K") this.#lines[this.#at] = "";
    else if (command === "J") this.#lines.length = this.#at + 1;
    else if (command !== "m") throw new Error(`the test screen does not support the escape sequence ${command}`);
    if (command === "J") this.#lines[this.#at] = this.#lines[this.#at]!.slice(0, this.#column);
  }

  /** Moves the cursor up by visible rows. A wrapped line takes several rows. */
  #up(count: number): void {
    for (let rows = count; rows > 0; ) {
      if (this.#at === 0) throw new Error("the cursor moves above the first row");
      this.#at -= 1;
      rows -= this.#wrapped(this.#lines[this.#at]!).length;
      if (rows < 0) throw new Error("the cursor moves into the middle of a wrapped line");
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
