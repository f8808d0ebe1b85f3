import { randomBytes } from "node:crypto";
import type { Post } from "@mjflow/core/port";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createOutbound } from "./outbound.ts";
import { sendWebhook } from "./send.ts";
import { newKeyPair, newSecret, verify } from "./sign.ts";
import { serveHttp } from "./test-internet.ts";

const NOW = 1_735_689_600_999;
// The official library always uses the global clock.
beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const webhook = { id: "msg_01K9ZC7T3R8M2V5X0Q4B6N1JHD", body: '{"type":"task.completed","data":{"prompt":"纸船 ⛵"}}' };

/** Sends the webhook to a receiver. @returns the received request */
async function received(secrets: string[]) {
  const got: { headers: Record<string, string>; body: string; line: string }[] = [];
  const port = await serveHttp((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const { method, url, headers } = request;
      got.push({
        headers: headers as Record<string, string>,
        body: Buffer.concat(pieces).toString(),
        line: `${method} ${url}`,
      });
      response.writeHead(204).end();
    });
  });
  const outbound = createOutbound({ allow: ["127.0.0.1:*"] });
  const url = `http://127.0.0.1:${port}/hook?app=7`;
  expect(await sendWebhook(outbound, { ...webhook, url, secrets }, NOW)).toMatchObject({
    kind: "answered",
    status: 204,
  });
  expect(got).toHaveLength(1);
  return got[0]!;
}

test("the official library verifies a webhook that we send", async () => {
  const secret = newSecret(randomBytes(24));
  const { headers, body, line } = await received([secret]);
  expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(webhook.body));
  expect(line).toBe("POST /hook?app=7");
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "user-agent": "mjflow/1",
    "webhook-id": webhook.id,
    "webhook-timestamp": "1735689600",
  });
});

test("during a secret rotation, the official library verifies with the old secret and with the new secret", async () => {
  const [old, newer] = [newSecret(randomBytes(32)), newSecret(randomBytes(64))];
  const { headers, body } = await received([newer, old]);
  for (const secret of [old, newer]) expect(new Webhook(secret).verify(body, headers)).toBeTruthy();
  expect(() => new Webhook(newSecret(randomBytes(32))).verify(body, headers)).toThrow("No matching signature");
});

test("during a rotation to v1a, both the public key and the old v1 secret verify the webhook", async () => {
  const { privateKey, publicKey } = newKeyPair(randomBytes(32));
  const old = newSecret(randomBytes(32));
  const { headers, body } = await received([privateKey, old]);
  expect(verify({ headers, body }, [publicKey], NOW)).toBe(true);
  expect(new Webhook(old).verify(body, headers)).toBeTruthy();
});

test.each([
  ["body", (h: Record<string, string>, body: string) => [h, body.replace("completed", "failed")] as const],
  ["id", (h: Record<string, string>, body: string) => [{ ...h, "webhook-id": "msg_other" }, body] as const],
  [
    "timestamp",
    (h: Record<string, string>, body: string) => [{ ...h, "webhook-timestamp": "1735689599" }, body] as const,
  ],
])("the official library rejects a webhook with a changed %s", async (_, change) => {
  const secret = newSecret(randomBytes(32));
  const { headers, body } = await received([secret]);
  const [changedHeaders, changedBody] = change(headers, body);
  expect(() => new Webhook(secret).verify(changedBody, changedHeaders)).toThrow("No matching signature");
});

test("a delivery attempt has a timeout of 15 s, or the timeout of the caller", async () => {
  const posts: Post[] = [];
  const outbound = {
    post: async (post: Post) => {
      posts.push(post);
      return { kind: "forbidden" as const, why: "" };
    },
    get: () => Promise.reject(new Error("unused")),
  };
  const given = { ...webhook, url: "https://hooks.example.com/", secrets: [newSecret(randomBytes(32))] };
  await sendWebhook(outbound, given, NOW);
  await sendWebhook(outbound, { ...given, timeoutMs: 1_000 }, NOW);
  expect(posts.map(({ timeoutMs }) => timeoutMs)).toEqual([15_000, 1_000]);
});

test("sending throws TypeError if there is no valid secret", async () => {
  const outbound = createOutbound();
  const given = { ...webhook, url: "https://hooks.example.com/" };
  await expect(sendWebhook(outbound, { ...given, secrets: [] }, NOW)).rejects.toThrow(TypeError);
  await expect(sendWebhook(outbound, { ...given, secrets: ["whsec_x"] }, NOW)).rejects.toThrow(TypeError);
});
