/**
 * Parser for JSON that servers or proxies have damaged (docs/protocol.md 2.7). It accepts a byte order mark, text
 * around a document, and several documents. Inside it accepts raw control characters in strings, `NaN` and `Infinity`, and
 * commas before a closing bracket. The text may end too early: a number or string that was cut is left out.
 */

/** One JSON document of a text. `cut`: the text ended before the document did, and the value holds what was complete. */
export interface JsonDocument {
  value: unknown;
  cut?: true;
}

/** Returns the number of a JSON text, or its digits as a string if it has 16 or more. Generators add `.0` to ids. */
export function numberOf(source: string): number | string {
  return /^-?\d{16,}(?:\.0+)?$/.test(source) ? source.replace(/\.0+$/, "") : Number(source);
}

/** Number of documents that are read. Two are seen: a response, and the error of a server that failed after it. */
const MAX_DOCUMENTS = 3;
/** Number of opening brackets at which no document begins. They bound the time for a large page of HTML. */
const MAX_FALSE_STARTS = 50;
/** Deeper values are read as null, as in the redacted report. */
const MAX_DEPTH = 100;

/** Returns the documents of the text. Only objects and arrays count, because any page has words and numbers. */
export function parseTolerant(text: string): JsonDocument[] {
  const documents: JsonDocument[] = [];
  let falseStarts = 0;
  for (let at = nextStart(text, 0); at >= 0 && falseStarts < MAX_FALSE_STARTS; at = nextStart(text, at)) {
    const reader = new Reader(text, at);
    const value = reader.value(0);
    if (value === INVALID || isMeaningless(value)) {
      falseStarts++;
      at++;
      continue;
    }
    documents.push({ value, ...(reader.cut && { cut: true }) });
    if (reader.cut || documents.length === MAX_DOCUMENTS) break;
    at = reader.at;
  }
  return documents;
}

function nextStart(text: string, from: number): number {
  for (let i = from; i < text.length; i++) if (text[i] === "{" || text[i] === "[") return i;
  return -1;
}

/** `[]` and `{}` in the middle of a text, or `[12]` of a log line, are no documents. */
function isMeaningless(value: unknown): boolean {
  if (Array.isArray(value)) return !value.every((item) => typeof item === "object") || value.length === 0;
  return Object.keys(value as object).length === 0;
}

const INVALID = Symbol("invalid");
const CUT = Symbol("cut");
type Read = unknown;

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS: readonly (readonly [string, unknown])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
  ["undefined", null],
  ["NaN", null],
  ["Infinity", null],
  ["-Infinity", null],
];

class Reader {
  /** True if the text ended inside the document. */
  cut = false;
  readonly text: string;
  at: number;

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** Returns a value, INVALID, or CUT if the text ended before the value was complete. */
  value(depth: number): Read {
    this.skipSpace();
    const char = this.text[this.at];
    if (char === undefined) return this.ended();
    if (depth > MAX_DEPTH) return INVALID;
    if (char === "{") return this.object(depth);
    if (char === "[") return this.array(depth);
    if (char === '"') return this.string();
    const word = this.word();
    return word === INVALID ? this.number() : word;
  }

  private object(depth: number): Read {
    const entries: [string, unknown][] = [];
    const done = () => Object.fromEntries(entries);
    this.at++;
    for (;;) {
      this.skipSpace();
      const char = this.text[this.at];
      if (char === undefined) return this.partial(done());
      if (char === "}") return this.close(done());
      if (char === ",") {
        this.at++;
        continue;
      }
      if (char !== '"') return INVALID;
      const key = this.string();
      if (key === CUT) return this.partial(done());
      this.skipSpace();
      if (this.text[this.at] === undefined) return this.partial(done());
      if (this.text[this.at] !== ":") return INVALID;
      this.at++;
      const value = this.value(depth + 1);
      if (value === INVALID) return INVALID;
      if (value !== CUT) entries.push([key as string, value]);
      if (this.cut) return done();
    }
  }

  private array(depth: number): Read {
    const items: unknown[] = [];
    this.at++;
    for (;;) {
      this.skipSpace();
      const char = this.text[this.at];
      if (char === undefined) return this.partial(items);
      if (char === "]") return this.close(items);
      if (char === ",") {
        this.at++;
        continue;
      }
      const value = this.value(depth + 1);
      if (value === INVALID) return INVALID;
      if (value !== CUT) items.push(value);
      if (this.cut) return items;
    }
  }

  private string(): Read {
    let text = "";
    for (let i = this.at + 1; i < this.text.length; i++) {
      const char = this.text[i]!;
      if (char === '"') {
        this.at = i + 1;
        return text;
      }
      if (char !== "\\") {
        text += char;
        continue;
      }
      const escaped = this.text[++i];
      if (escaped === undefined) break;
      if (escaped !== "u") {
        text += ESCAPES[escaped] ?? escaped;
        continue;
      }
      const hex = this.text.slice(i + 1, i + 5);
      if (!/^[\da-f]{4}$/i.test(hex)) {
        if (i + 5 > this.text.length) break;
        return INVALID;
      }
      text += String.fromCharCode(Number.parseInt(hex, 16));
      i += 4;
    }
    return this.ended();
  }

  private word(): Read {
    const found = WORDS.find(([word]) => this.text.startsWith(word, this.at));
    if (!found) {
      const rest = this.text.slice(this.at);
      return WORDS.some(([word]) => word.startsWith(rest)) ? this.ended() : INVALID;
    }
    this.at += found[0].length;
    return found[1];
  }

  private number(): Read {
    const match = /[-+.\deE]+/y;
    match.lastIndex = this.at;
    const source = match.exec(this.text)?.[0] ?? "";
    this.at += source.length;
    // More digits may have followed where the text ends.
    if (source !== "" && this.at === this.text.length) return this.ended();
    return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(source) ? numberOf(source) : INVALID;
  }

  private close(value: unknown): unknown {
    this.at++;
    return value;
  }

  private partial(value: unknown): unknown {
    this.cut = true;
    return value;
  }

  private ended(): Read {
    this.cut = true;
    return CUT;
  }

  private skipSpace(): void {
    while (this.at < this.text.length && /[\s\ufeff]/.test(this.text[this.at]!)) this.at++;
  }
}
