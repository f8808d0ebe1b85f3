/** What a command is run with: the API, and a place to say things. */
import { Mjflow } from "@mjflow/client";
import { type Connection, findConnection } from "./connection.ts";
import { isScreen, type Painter, paintFor, plain } from "./paint.ts";
import type { Platform } from "./platform.ts";
import { escapeControlCharacters, json } from "./text.ts";

const DEFAULT_COLUMNS = 80;

export class Context {
  readonly platform: Platform;
  readonly json: boolean;
  readonly paint: Painter;
  readonly #urlOption: string | undefined;
  #connection: Connection | undefined;
  #mjflow: Mjflow | undefined;

  constructor(platform: Platform, options: { json: boolean; url?: string | undefined }) {
    this.platform = platform;
    this.json = options.json;
    this.paint = this.json ? plain : paintFor(platform.stdout, platform.env);
    this.#urlOption = options.url;
  }

  /** Where and with which key, found when first asked for: help needs neither. */
  get connection(): Connection {
    this.#connection ??= findConnection(this.platform, this.#urlOption);
    return this.#connection;
  }

  /** If it was found: for saying what went wrong. */
  get found(): Connection | undefined {
    return this.#connection;
  }

  get mjflow(): Mjflow {
    const { url, apiKey } = this.connection;
    this.#mjflow ??= new Mjflow({ baseUrl: url, ...(apiKey !== undefined && { apiKey }) });
    return this.#mjflow;
  }

  get signal(): AbortSignal {
    return this.platform.signal;
  }

  /** Whether progress can be drawn over itself. */
  get isScreen(): boolean {
    return !this.json && isScreen(this.platform.stdout, this.platform.env);
  }

  /** A file or a pipe has room for everything. */
  get columns(): number {
    const { stdout, env } = this.platform;
    return isScreen(stdout, env) ? (stdout.columns ?? DEFAULT_COLUMNS) : Number.POSITIVE_INFINITY;
  }

  /** The answer: its JSON, or lines for a person. */
  show(value: unknown, lines: () => readonly string[]): void {
    if (this.json) this.#write(this.platform.stdout, json(value, 2));
    else for (const line of lines()) this.#write(this.platform.stdout, escapeControlCharacters(line));
  }

  /** One JSON value of several, on a line of its own. */
  emit(value: unknown): void {
    this.#write(this.platform.stdout, json(value));
  }

  /** For a person only. */
  say(...lines: readonly string[]): void {
    if (!this.json) for (const line of lines) this.#write(this.platform.stdout, escapeControlCharacters(line));
  }

  /** Beside the answer, for a person only: it stays out of pipes. */
  note(...lines: readonly string[]): void {
    if (!this.json) for (const line of lines) this.#write(this.platform.stderr, escapeControlCharacters(line));
  }

  #write(output: { write(text: string): unknown }, line: string): void {
    output.write(`${this.hidden(line)}\n`);
  }

  /** A server, or a file of the user's, may repeat our key: it is shown to nobody. */
  hidden(text: string): string {
    const key = this.#connection?.apiKey;
    return key !== undefined && key.length >= 8 ? text.replaceAll(key, "[key]") : text;
  }
}
