import { expect, test } from "vitest";
import { jsonRequest, messageReader, statusOf } from "./http-wire.ts";

/** Gives the text to a reader in pieces of the given length, and returns the messages. */
function messagesOf(text: string, piece: number): string[][] {
  const messages: string[][] = [];
  // One buffer for all pieces, as a connection has it.
  const buffer = Buffer.alloc(piece);
  const read = messageReader(({ head, body }) => messages.push([head.slice(0, head.indexOf("\r\n")), body]));
  for (let at = 0; at < text.length; at += piece) read(buffer, buffer.write(text.slice(at, at + piece), "latin1"));
  return messages;
}

const RESPONSES = [
  'HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\n{"id":"1"',
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n\r\n\r\n0\r\n\r\n",
  "HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n",
].join("");

for (const piece of [1, 7, RESPONSES.length]) {
  test(`responses that arrive in pieces of ${piece} bytes are read one by one, with a length, chunked and without a body`, () => {
    expect(messagesOf(RESPONSES, piece)).toEqual([
      ["HTTP/1.1 202 Accepted", '{"id":"1"'],
      ["HTTP/1.1 200 OK", "abc\r\n"],
      ["HTTP/1.1 204 No Content", ""],
    ]);
  });
}

test("a response of the same length as the one before is read again unless all bytes are the same", () => {
  const response = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${body}`;
  const bodies = ["ok", "ok", "no", "ok", "no", "no"];
  const read = messagesOf(bodies.map(response).join(""), response("ok").length);
  expect(read.map(([, body]) => body)).toEqual(bodies);
});

test("a request that is built is read again with its body", () => {
  const request = jsonRequest({ method: "POST", host: "127.0.0.1:1", path: "/v1/flows", key: "k" }, '{"a":1}');
  expect(messagesOf(request.toString() + request.toString(), 10)).toEqual(
    Array(2).fill(["POST /v1/flows HTTP/1.1", '{"a":1}']),
  );
  expect(request.toString()).toContain("\r\nAuthorization: Bearer k\r\n");
});

test("the status of a response is read from its first line", () => {
  expect(statusOf("HTTP/1.1 503 Service Unavailable\r\nx: 1")).toBe(503);
});
