/**
 * Response streaming as in Lambda's Node runtime: a global `awslambda`, a handler that gets a writable stream, and a
 * response head that is written before the first byte. As on Lambda, a client that closes the connection does not stop
 * the function; the rest of the output is discarded.
 */
import type { ServerResponse } from "node:http";
import { Writable } from "node:stream";

/** Symbol with which Lambda's runtime marks streaming handlers. */
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");

export interface ResponseHead {
  statusCode?: number;
  headers?: Record<string, string>;
  cookies?: string[];
}

class ResponseStream extends Writable {
  readonly #response: ServerResponse;
  #hasStarted = false;

  constructor(response: ServerResponse) {
    super();
    this.#response = response;
  }

  start({ statusCode = 200, headers = {}, cookies = [] }: ResponseHead): void {
    if (this.#hasStarted || this.#response.destroyed) return;
    this.#hasStarted = true;
    for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, value);
    if (cookies.length > 0) this.#response.setHeader("set-cookie", cookies);
    this.#response.writeHead(statusCode);
    // The stream may send nothing for a while, so the client must get the head soon. What follows in this turn goes out with it: a whole
    // response is then one write instead of three. Node loses data of a response that is corked when it ends, so its connection is.
    const { socket } = this.#response;
    socket?.cork();
    setImmediate(() => socket?.uncork());
    this.#response.flushHeaders();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.start({ headers: { "content-type": "application/octet-stream" } });
    if (this.#response.destroyed || this.#response.write(chunk)) {
      done();
      return;
    }
    // The client reads slowly. The write continues when the client has read more or has closed the connection.
    const resume = () => {
      this.#response.off("drain", resume).off("close", resume);
      done();
    };
    this.#response.on("drain", resume).on("close", resume);
  }

  override _final(done: () => void): void {
    this.start({});
    // The callback of `end` gets the error of a client that has closed the connection. That is no error of the function:
    // nothing is left to do, and the rest of the output is discarded as in `_write`.
    let isFinished = false;
    const finish = () => {
      if (!isFinished) done();
      isFinished = true;
    };
    this.#response.once("close", finish).once("error", finish).end(finish);
    if (this.#response.destroyed) finish();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: events and contexts are Lambda's
type StreamingHandler = (event: any, stream: Writable, context: any) => Promise<void>;

/** Must be called before the functions are imported, because they read `awslambda` when they are loaded. */
export function installStreamingRuntime(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => Object.assign(handler, { [STREAMING]: "response" }),
      HttpResponseStream: {
        from(stream: ResponseStream, head: ResponseHead) {
          stream.start(head);
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
