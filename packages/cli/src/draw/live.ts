/** Lines on a terminal that are redrawn in place. At the end the terminal is left in a clean state. */
import type { Output } from "../platform.ts";
import { escapeControlCharacters, widthOf } from "../text.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE = "\u001b[2K";
const CLEAR_BELOW = "\u001b[J";
const up = (rows: number) => (rows > 0 ? `\u001b[${rows}A` : "");

export class Live {
  readonly #output: Output;
  #drawn: readonly string[] = [];
  #isOpen = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Replaces the lines drawn before. More lines than the terminal has rows cannot be redrawn, so only the last lines
   * are shown.
   */
  draw(lines: readonly string[]): void {
    const rows = Math.max(1, (this.#output.rows ?? 24) - 1);
    const shown = lines.length > rows ? lastOf(lines, rows) : lines;
    const start = this.#isOpen ? "" : HIDE_CURSOR;
    this.#isOpen = true;
    const text = shown.map((line) => `${CLEAR_LINE}${escapeControlCharacters(line)}\n`).join("");
    this.#output.write(`${start}${up(this.#height())}\r${text}${CLEAR_BELOW}`);
    this.#drawn = shown;
  }

  /** Keeps the drawn lines and shows the cursor again. */
  end(): void {
    if (this.#isOpen) this.#output.write(SHOW_CURSOR);
    this.#isOpen = false;
    this.#drawn = [];
  }

  /**
   * Height of the drawn lines in rows of the terminal's current width. A terminal that was made narrower has wrapped
   * them.
   */
  #height(): number {
    const columns = Math.max(1, this.#output.columns ?? 80);
    return this.#drawn.reduce((rows, line) => rows + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  }
}

function lastOf(lines: readonly string[], rows: number): string[] {
  const left = lines.length - (rows - 1);
  return [`  … ${left} more`, ...lines.slice(left)];
}
