/**
 * Damage that servers and proxies do to the JSON of their responses (docs/protocol.md 2.7). Each kind leaves the id of a task
 * readable, so a damaged acceptance is still an acceptance. The bytes are read by the real reader of bodies.
 */
import { Readable } from "node:stream";
import { deflateRawSync, gzipSync } from "node:zlib";
import type { BodyHeaders } from "@mjflow/providers/body-headers";
import { readBody } from "@mjflow/providers/http-body";
import type { HttpOutcome } from "@mjflow/providers/http-client";

interface Damaged {
  body: string | Buffer;
  headers?: BodyHeaders;
}

const NOTICE = "<br />\n<b>Notice</b>:  Undefined index: mode in <b>/www/html/index.php</b> on line <b>12</b><br />\n";
/** "Submitted" in Chinese, in GBK. */
const GBK_TEXT = Buffer.from([0xcc, 0xe1, 0xbd, 0xbb, 0xb3, 0xc9, 0xb9, 0xa6]);

/** Damage of any JSON text. */
const KINDS: readonly ((text: string) => Damaged)[] = [
  (text) => ({ body: `\ufeff${text}` }),
  (text) => ({ body: NOTICE + text }),
  (text) => ({ body: `${text}\n<!-- 0.012 s, 1.4 MB -->` }),
  (text) => ({ body: `callback(${text});` }),
  (text) => ({ body: `${text}\n{"error":{"message":"write: broken pipe","type":"server_error"}}` }),
  (text) => ({ body: text.replace(/[}\]]*$/, (end) => end.replace(/^}/, ',"cost":NaN,}')) }),
  (text) => ({ body: text.replace(/"description":"/g, '"description":"first\nsecond\t') }),
  (text) => ({ body: deflateRawSync(text), headers: { "content-encoding": "deflate" } }),
  (text) => ({ body: gzipSync(text) }),
  (text) => ({ body: text, headers: { "content-encoding": "gzip" } }),
  (text) => ({ body: Buffer.concat([Buffer.from(`{"note":"`), GBK_TEXT, Buffer.from(`",${text.slice(1)}`)]) }),
];
/** Number of the kinds that also fit an array: the last one needs an object. */
const KINDS_OF_LISTS = KINDS.length - 1;

type Pick = (count: number) => number;

/** Returns the response with the JSON object after one of the damages. */
export function damaged(text: string, pick: Pick): Promise<HttpOutcome> {
  return read(KINDS[pick(KINDS.length)]!(text));
}

/** Returns the response of a submission after one of the damages, or from a gateway or a connection that fails after it. */
export async function damagedAnswer(text: string, pick: Pick): Promise<HttpOutcome> {
  const kind = pick(KINDS.length + 2);
  if (kind === KINDS.length) return { kind: "answered", status: 502, text };
  if (kind > KINDS.length)
    return { kind: "lost", reason: "ECONNRESET", text: text.replace(/}$/, ',"properties":{"no') };
  return read(KINDS[kind]!(text));
}

/** Envelopes in which gateways send a list. */
const ENVELOPES: readonly ((list: string) => string)[] = [
  (list) => `{"code":1,"description":"ok","data":${list}}`,
  (list) => `{"success":true,"data":{"total":50,"list":${list}}}`,
  (list) => `{"content":${list}}`,
];

/** Returns the response of a look-up after one of the damages, or in an envelope. */
export async function damagedList(text: string, pick: Pick): Promise<HttpOutcome> {
  const kind = pick(KINDS_OF_LISTS + ENVELOPES.length);
  if (kind < KINDS_OF_LISTS) return read(KINDS[kind]!(text));
  return { kind: "answered", status: 200, text: ENVELOPES[kind - KINDS_OF_LISTS]!(text) };
}

async function read({ body, headers = {} }: Damaged): Promise<HttpOutcome> {
  const { text } = await readBody(Readable.from([Buffer.from(body)]), headers, 1_000_000);
  return { kind: "answered", status: 200, text };
}
