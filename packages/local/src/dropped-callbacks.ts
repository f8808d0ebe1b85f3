/**
 * Answers callbacks that change nothing before Node builds a request of them (docs/decisions/0112). Nine of ten callbacks are
 * such steps of progress. Node's objects for a request and its response cost more than all the work for a step.
 *
 * This is no HTTP server. It reads only a whole request in one packet, in the plainest form, on a connection that Node has served
 * before. Node gets everything else: it opens and closes connections, keeps their time limits, and serves all other requests.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HOST, responseBytesOf } from "./lambda.ts";

export interface DroppedCallbacks {
  /** @returns true if the callback was dropped. The body is its bytes as Latin-1 text; its charset is UTF-8. */
  drop(token: string, body: string): boolean;
  /** What the function returns for a dropped callback. */
  DROPPED: unknown;
}

/** Must be called before connections are accepted, or shortly after: connections that are open already are left to Node. */
export function answerDropped(server: Server, { drop, DROPPED }: DroppedCallbacks): void {
  const answer = responseBytesOf(DROPPED, server.keepAliveTimeout);
  const watched = new WeakMap<Socket, Connection>();
  server.on("connection", (socket) => {
    // Node reads the bytes of a connection with one listener. It is called for all that is not answered here.
    const [listener, ...others] = socket.listeners("data") as ((chunk: Buffer) => void)[];
    if (listener === undefined || others.length > 0) return;
    watched.set(socket, new Connection(socket, listener, drop, answer));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    watched.get(request.socket)?.serves(response);
  });
}

class Connection {
  readonly #socket: Socket;
  readonly #listener: (chunk: Buffer) => void;
  readonly #drop: DroppedCallbacks["drop"];
  readonly #answer: () => Buffer;
  /** Node has served a request. Before, it would end the connection as one that sends no request. */
  #isServed = false;
  /** Node serves a request that was read here. */
  #isServing = false;
  #hasLeft = false;
  #head: Head | undefined;

  constructor(socket: Socket, listener: (chunk: Buffer) => void, drop: DroppedCallbacks["drop"], answer: () => Buffer) {
    this.#socket = socket;
    this.#listener = listener;
    this.#drop = drop;
    this.#answer = answer;
    socket.off("data", listener);
    socket.on("data", this.#read);
  }

  readonly #read = (chunk: Buffer): void => {
    const head = this.#headOf(chunk);
    if (head === undefined) this.#leave(chunk);
    else if (this.#isServed && this.#drop(head.token, chunk.toString("latin1", head.text.length))) {
      this.#socket.write(this.#answer());
    } else {
      this.#isServing = true;
      this.#pass(chunk);
    }
  };

  /** Node has the request now, and its response. */
  serves(response: ServerResponse): void {
    if (this.#hasLeft) return;
    response.once("close", () => {
      this.#isServed = true;
      this.#isServing = false;
    });
  }

  /**
   * Undefined if the bytes are no whole callback, or if Node or the client is not done with the one before. Callbacks of one task have the
   * same head.
   */
  #headOf(chunk: Buffer): Head | undefined {
    if (this.#isServing || this.#socket.writableLength > 0 || chunk.length > MOST_BYTES) return undefined;
    const known = this.#head;
    if (known && chunk.length === known.text.length + known.length && startsWith(chunk, known.text)) return known;
    const head = headOf(chunk);
    this.#head = head;
    return head && chunk.length === head.text.length + head.length ? head : undefined;
  }

  #pass(chunk: Buffer): void {
    this.#listener.call(this.#socket, chunk);
  }

  /** From here on Node reads the connection alone, as it would have done from the start. */
  #leave(chunk: Buffer): void {
    this.#hasLeft = true;
    this.#socket.off("data", this.#read);
    this.#socket.on("data", this.#listener);
    this.#pass(chunk);
  }
}

/** Longest request that is read here. A step of progress has one or two kB, and the report of a success rarely more than ten. */
const MOST_BYTES = 65_536;

/** The head of a callback. */
interface Head {
  /** With its end, two line breaks. */
  text: string;
  token: string;
  /** Bytes of the body. */
  length: number;
}

const START = /^POST \/callbacks\/([\w.-]{1,512}) HTTP\/1\.1\r\n/;
/** A field of a head (RFC 9112, 5). Its value has only visible ASCII, blanks and tabs. */
const FIELD = /([\w!#$%&'*+.^`|~-]+):[ \t]*((?:[\x21-\x7e][\t\x20-\x7e]*)?)\r\n/y;
const END = "\r\n\r\n";

/** Fields that change how a request is read, or that Node itself has to answer. */
const REFUSED: ReadonlySet<string> = new Set([
  "content-encoding",
  "expect",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

function startsWith(chunk: Buffer, text: string): boolean {
  return chunk.toString("latin1", 0, text.length) === text;
}

/** Undefined if the head is not complete, not that of a callback, or not in the plainest form. */
function headOf(chunk: Buffer): Head | undefined {
  const whole = chunk.toString("latin1");
  const token = START.exec(whole)?.[1];
  const end = whole.indexOf(END);
  if (token === undefined || end < 0) return undefined;
  const text = whole.slice(0, end + END.length);
  let host: string | undefined;
  let length: number | undefined;
  FIELD.lastIndex = text.indexOf("\r\n") + 2;
  while (FIELD.lastIndex < end + 2) {
    const field = FIELD.exec(text);
    if (!field) return undefined;
    const [name, value] = [field[1]!.toLowerCase(), field[2]!.trimEnd()];
    if (REFUSED.has(name)) return undefined;
    if (name === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
    if (name === "content-type" && /charset/i.test(value) && !/;\s*charset="?utf-8"?$/i.test(value)) return undefined;
    if (name === "host") {
      if (host !== undefined || !HOST.test(value)) return undefined;
      host = value;
    }
    if (name === "content-length") {
      if (length !== undefined || !/^\d{1,5}$/.test(value)) return undefined;
      length = Number(value);
    }
  }
  return host === undefined || length === undefined ? undefined : { text, token, length };
}
