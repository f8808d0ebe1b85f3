/**
 * Reads a body as text. Labels of servers are often wrong. A relay copies the header `content-encoding` of its upstream but
 * sends the decoded body, or the other way round. Some servers send `deflate` without its zlib header, or text in GBK.
 * Therefore the first bytes decide together with the label (docs/protocol.md 2.7).
 */
import { pipeline, Readable, type Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib";
import { type BodyHeaders, otherCharsetOf } from "./body-headers.ts";

export interface ReadBody {
  text: string;
  /** True if the decoded body is larger than the limit; `text` has its beginning. */
  cut?: true;
  /** Set if the body ended with an error; `text` has what came before it. */
  error?: unknown;
}

/** Flush flags that accept a truncated stream: some servers send an empty body with a content-encoding. */
const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = constants;
const finishFlush = Z_SYNC_FLUSH;

/** Never throws. If the body is too large, the rest is not read and the connection is closed. */
export function readBody(body: Readable, headers: BodyHeaders, maxBytes: number): Promise<ReadBody> {
  const read = ENCODINGS.has(labelOf(headers)) ? readEncoded : readPlain;
  return read(body, headers, maxBytes);
}

/**
 * Reads a body without a decoder, as nearly all are. Events instead of iterators and streams: those would cost more than the rest of
 * the request. A body that begins like gzip is read by `readEncoded`.
 */
function readPlain(body: Readable, headers: BodyHeaders, maxBytes: number): Promise<ReadBody> {
  const { promise, resolve } = Promise.withResolvers<ReadBody>();
  const read = new Collector(maxBytes);
  let isPlain = false;
  const end = (more: Omit<ReadBody, "text"> = {}) => {
    stop();
    resolve({ text: toText(read.bytes(), headers, read.isFull), ...more });
  };
  const add = (chunk: Buffer) => {
    read.add(chunk);
    if (read.isFull) {
      end({ cut: true });
      body.destroy();
    } else if (!isPlain && read.size >= 2) {
      const bytes = read.bytes();
      isPlain = !isGzip(bytes);
      if (isPlain) return;
      stop();
      body.pause();
      body.unshift(bytes);
      resolve(readEncoded(body, headers, maxBytes));
    }
  };
  const finish = () => end();
  const fail = (error: unknown) => end({ error });
  // A stream that is destroyed without an error emits nothing else.
  const close = () =>
    fail(Object.assign(new Error("the body ended too early"), { code: "ERR_STREAM_PREMATURE_CLOSE" }));
  const stop = () => body.off("data", add).off("end", finish).off("error", fail).off("close", close);
  body
    .on("error", () => {})
    .on("error", fail)
    .on("end", finish)
    .on("close", close)
    .on("data", add);
  return promise;
}

async function readEncoded(body: Readable, headers: BodyHeaders, maxBytes: number): Promise<ReadBody> {
  const raw = new Collector(maxBytes);
  const source = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  async function* rest(): AsyncGenerator<Buffer> {
    for (let next = await source.next(); !next.done; next = await source.next()) {
      raw.add(next.value);
      yield next.value;
    }
  }
  const output = new Collector(maxBytes);
  const end = (more: Omit<ReadBody, "text"> = {}, from = output): ReadBody => {
    return {
      text: toText(from.bytes(), headers, from.isFull),
      ...(from.isFull && { cut: true }),
      ...more,
    };
  };
  let decoder: Transform | undefined;
  let sourceError: unknown;
  try {
    const chunks = rest();
    const first: Buffer[] = [];
    while (Buffer.concat(first).length < 2) {
      const next = await chunks.next();
      if (next.done) break;
      first.push(next.value);
    }
    const all = Readable.from(concatenated(first, chunks, (error) => (sourceError = error)));
    decoder = decoderFor(Buffer.concat(first), labelOf(headers));
    // The reader gets the errors of the pipeline.
    for await (const chunk of decoder ? pipeline(all, decoder, () => {}) : all) {
      output.add(chunk as Buffer);
      if (output.isFull) break;
    }
  } catch (error) {
    // If the decoder fails at once, the label is wrong: the body is not encoded.
    if (decoder && sourceError === undefined && output.size === 0) return end({}, raw);
    return end({ error: sourceError ?? error }, decoder ? output : raw);
  } finally {
    if (output.isFull) body.destroy();
  }
  return end();
}

async function* concatenated(
  first: readonly Buffer[],
  rest: AsyncGenerator<Buffer>,
  onError: (error: unknown) => void,
): AsyncGenerator<Buffer> {
  yield* first;
  try {
    yield* rest;
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** Collects chunks up to a limit. */
class Collector {
  size = 0;
  isFull = false;
  private readonly chunks: Buffer[] = [];
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  add(chunk: Buffer): void {
    if (this.isFull) return;
    this.isFull = this.size + chunk.length > this.maxBytes;
    this.chunks.push(chunk);
    this.size += chunk.length;
  }

  bytes(): Buffer {
    return this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
  }
}

/** Encodings that only their label tells. A body that is gzip begins with two known bytes. */
const ENCODINGS: ReadonlySet<string> = new Set(["deflate", "br"]);

function labelOf({ "content-encoding": label = "" }: BodyHeaders): string {
  return label.trim().toLowerCase();
}

/** RFC 1952 2.3.1. The bytes are no UTF-8, so no text begins with them. */
function isGzip(start: Buffer): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

function decoderFor(start: Buffer, label: string): Transform | undefined {
  if (isGzip(start)) return createGunzip({ finishFlush });
  switch (label) {
    case "deflate":
      return isZlib(start) ? createInflate({ finishFlush }) : createInflateRaw({ finishFlush });
    case "br":
      return createBrotliDecompress({ finishFlush: BROTLI_OPERATION_FLUSH });
    default:
      return undefined;
  }
}

/** RFC 1950 2.2: method 8, and a header that is a multiple of 31. */
function isZlib([first = 0, second = 0]: Buffer): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

/** @internal Returns the text of a decoded body. Never throws; bytes that fit no charset become U+FFFD. */
export function toText(bytes: Uint8Array, headers: BodyHeaders = {}, isCut = false): string {
  const label = otherCharsetOf(headers);
  const declared = label === undefined ? undefined : decode(bytes, label);
  if (declared !== undefined) return declared;
  if (isCut) return new TextDecoder().decode(bytes);
  // Undeclared GBK is common at Chinese servers. GB18030 contains GBK.
  return decode(bytes, "utf-8") ?? decode(bytes, "gb18030") ?? new TextDecoder().decode(bytes);
}

function decode(bytes: Uint8Array, label: string): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Decodes a whole body in memory, for callbacks. Returns undefined if it is larger than the limit. Never throws. */
export async function decodeBytes(bytes: Buffer, headers: BodyHeaders, maxBytes: number): Promise<string | undefined> {
  const { text, cut } = await readBody(Readable.from([bytes]), headers, maxBytes);
  return cut ? undefined : text;
}
