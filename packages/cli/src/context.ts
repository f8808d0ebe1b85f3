/** The context of a running command: the API client and the output functions. */
import { Mjflow } from "@mjflow/client";
import type { Command } from "./command.ts";
import { type Connection, findConnection } from "./connection.ts";
import { isScreen, type Painter, paintFor, plain } from "./paint.ts";
import type { Platform } from "./platform.ts";
import { escapeControlCharacters, json } from "./text.ts";

const DEFAULT_COLUMNS = 80;

export class Context {
  readonly platform: Platform;
  readonly json: boolean;
  readonly paint: Painter;
  /** Loads all commands, in the order of the help. */
  readonly loadCommands: () => Promise<Command[]>;
  readonly #urlOption: string | undefined;
  #connection: Connection | undefined;
  #mjflow: Mjflow | undefined;

  /** @param loadCommands passed in, because the commands themselves import this module */
  constructor(
    platform: Platform,
    options: { json: boolean; url?: string | undefined },
    loadCommands: () => Promise<Command[]> = async () => [],
  ) {
    this.platform = platform;
    this.loadCommands = loadCommands;
    this.json = options.json;
    this.paint = this.json ? plain : paintFor(platform.stdout, platform.env);
    this.#urlOption = options.url;
  }

  /** Address and key. They are looked up at the first access, because the help needs neither. */
  get connection(): Connection {
    this.#connection ??= findConnection(this.platform, this.#urlOption);
    return this.#connection;
  }

  /** The connection if it was already looked up, otherwise undefined. Error messages use it. */
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

  /** True if progress can be redrawn in place. */
  get isScreen(): boolean {
    return !this.json && isScreen(this.platform.stdout, this.platform.env);
  }

  /** Width of the terminal in columns; infinite for a file or a pipe. */
  get columns(): number {
    const { stdout, env } = this.platform;
    return isScreen(stdout, env) ? (stdout.columns ?? DEFAULT_COLUMNS) : Number.POSITIVE_INFINITY;
  }

  /** Prints the result: as JSON with `--json`, otherwise as lines for a person. */
  show(value: unknown, lines: () => readonly string[]): void {
    if (this.json) this.#write(this.platform.stdout, json(value, 2));
    else for (const line of lines()) this.#write(this.platform.stdout, escapeControlCharacters(line));
  }

  /** Prints one of several JSON values, on one line. */
  emit(value: unknown): void {
    this.#write(this.platform.stdout, json(value));
  }

  /** Prints lines to stdout unless `--json` is set. */
  say(...lines: readonly string[]): void {
    if (!this.json) for (const line of lines) this.#write(this.platform.stdout, escapeControlCharacters(line));
  }

  /** Prints lines to stderr unless `--json` is set, so that they do not enter a pipe. */
  note(...lines: readonly string[]): void {
    if (!this.json) for (const line of lines) this.#write(this.platform.stderr, escapeControlCharacters(line));
  }

  #write(output: { write(text: string): unknown }, line: string): void {
    output.write(`${this.hidden(line)}\n`);
  }

  /**
   * Replaces the API key in the text. A server or a file of the user may repeat the key, and the command line must
   * never print it.
   */
  hidden(text: string): string {
    const key = this.#connection?.apiKey;
    return key !== undefined && key.length >= 8 ? text.replaceAll(key, "[key]") : text;
  }
}
