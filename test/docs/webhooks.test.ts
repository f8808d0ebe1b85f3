/** The code in docs/webhooks.md verifies webhooks that mjflow signs with ed25519. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { newKeyPair, sign } from "@mjflow/webhooks/sign";
import { beforeAll, describe, expect, test } from "vitest";

type Verify = (headers: Headers, body: string, publicKey: string) => boolean;
let isSigned: Verify;
beforeAll(async () => {
  const text = readFileSync(new URL("../../docs/webhooks.md", import.meta.url), "utf8");
  const code = /```ts\n([\s\S]*?isSignedV1a[\s\S]*?)```/.exec(text)![1]!;
  const module = `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(code))}`;
  ({ isSignedV1a: isSigned } = (await import(/* @vite-ignore */ module)) as { isSignedV1a: Verify });
});

const pair = newKeyPair(new Uint8Array(32).fill(7));
const other = newKeyPair(new Uint8Array(32).fill(8));
const body = '{"type":"task.completed"}';

function headersOf(atMs = Date.now(), secrets: readonly string[] = [pair.privateKey]): Headers {
  const message = { id: "evt_1", timestampS: Math.floor(atMs / 1_000), body };
  return new Headers({
    "webhook-id": message.id,
    "webhook-timestamp": String(message.timestampS),
    "webhook-signature": sign(message, secrets),
  });
}

describe("the ed25519 check of the document", () => {
  test("accepts a webhook that mjflow has signed, also with two signatures", () => {
    expect(isSigned(headersOf(), body, pair.publicKey)).toBe(true);
    expect(isSigned(headersOf(Date.now(), [other.privateKey, pair.privateKey]), body, pair.publicKey)).toBe(true);
  });

  test("rejects another key, another body, an old time and a missing signature", () => {
    expect(isSigned(headersOf(), body, other.publicKey)).toBe(false);
    expect(isSigned(headersOf(), `${body} `, pair.publicKey)).toBe(false);
    expect(isSigned(headersOf(Date.now() - 301_000), body, pair.publicKey)).toBe(false);
    expect(isSigned(new Headers(), body, pair.publicKey)).toBe(false);
  });
});
