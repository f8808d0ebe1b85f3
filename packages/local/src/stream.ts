/**
 * Response streaming as Lambda's Node runtime offers it: a global `awslambda`, a handler that is given a stream to write
 * to, and a head that is written before the first byte. As on Lambda, a caller who hangs up does not stop the function:
 * what it writes then goes nowhere.
 */
import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";

/** What Lambda's own runtime marks such handlers with. */
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");

export interface ResponseHead {
  statusCode?: number;
  headers?: Record<string, string>;
  cookies?: string[];
}

class ResponseStream extends Writable {
  readonly #response: ServerResponse;
  #isBegun = false;

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  begin({ statusCode = 200, headers = {}, cookies = [] }: ResponseHead): void {
    if (this.#isBegun || this.#response.destroyed) return;
    this.#isBegun = true;
    for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, value);
    if (cookies.length > 0) this.#response.setHeader("set-cookie", cookies);
    this.#response.writeHead(statusCode);
    // A stream may be silent for a while; who waits for it must see that it has begun.
    this.#response.flushHeaders();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.begin({ headers: { "content-type": "application/octet-stream" } });
    if (this.#response.destroyed || this.#response.write(chunk)) {
      done();
      return;
    }
    // Slower than we are: either it takes more, or it has gone.
    const go = () => {
      this.#response.off("drain", go).off("close", go);
      done();
    };
    this.#response.on("drain", go).on("close", go);
  }

  override _final(done: () => void): void {
    this.begin({});
    this.#response.end(done);
    if (this.#response.destroyed) done();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: events and contexts are Lambda's
type StreamingHandler = (event: any, stream: Writable, context: any) => Promise<void>;

/** Before the functions are imported: they ask for it when they are loaded. */
export function installStreamingRuntime(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => Object.assign(handler, { [STREAMING]: "response" }),
      HttpResponseStream: {
        from(stream: ResponseStream, head: ResponseHead) {
          stream.begin(head);
          return stream;
        },
      },
    },
  });
}

export function isStreaming(handler: unknown): handler is StreamingHandler {
  return typeof handler === "function" && (handler as { [STREAMING]?: string })[STREAMING] === "response";
}

export function streamResponse(response: ServerResponse): Writable {
  return new ResponseStream(response);
}
