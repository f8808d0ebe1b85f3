/**
 * Reads HTTP/1.1 messages from the bytes of a connection, with as little work as possible: the benchmark measures other
 * processes of the same machine. Text is Latin-1, so one character is one byte and a length in characters is a length in
 * bytes.
 */

/** A request or response. */
export interface Message {
  head: string;
  body: string;
}

/**
 * Returns a function that takes received bytes and reports each whole message. The bytes are those of the buffer up to the length;
 * the buffer may be filled again after the call.
 */
export function messageReader(onMessage: (message: Message) => void): (received: Buffer, length: number) => void {
  let rest = "";
  let last: { bytes: Buffer; message: Message } | undefined;
  return (received, length) => {
    // A system often sends the same response again. Its bytes are compared, and not read as text.
    const isRepeated = rest === "" && last?.bytes.length === length && last.bytes.compare(received, 0, length) === 0;
    if (isRepeated) return onMessage(last!.message);
    const isFirst = rest === "";
    rest += received.toString("latin1", 0, length);
    while (rest !== "") {
      const headEnd = rest.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = rest.slice(0, headEnd);
      const framed = bodyOf(head, rest, headEnd + 4);
      if (framed === undefined) return;
      const message = { head, body: framed.body };
      if (isFirst && framed.end === length) last = { bytes: Buffer.from(received.subarray(0, length)), message };
      rest = rest.slice(framed.end);
      onMessage(message);
    }
  };
}

/** Status of a response, from its head. */
export function statusOf(head: string): number {
  return Number(head.slice(9, 12));
}

/** Builds a request with a JSON body in ASCII. */
export function jsonRequest(
  { method, host, path, key }: { method: string; host: string; path: string; key?: string },
  body = "",
): Buffer {
  const authorization = key === undefined ? "" : `Authorization: Bearer ${key}\r\n`;
  const content = body === "" ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${authorization}${content}\r\n${body}`, "latin1");
}

/** Returns undefined if the body has not arrived completely. */
function bodyOf(head: string, text: string, start: number): { body: string; end: number } | undefined {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    return text.length < end ? undefined : { body: text.slice(start, end), end };
  }
  return /\r\ntransfer-encoding: *chunked/i.test(head) ? unchunked(text, start) : { body: "", end: start };
}

function unchunked(text: string, start: number): { body: string; end: number } | undefined {
  let body = "";
  for (let at = start; ; ) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (text.length < end) return undefined;
    if (size === 0) return { body, end };
    body += text.slice(lineEnd + 2, end - 2);
    at = end;
  }
}
