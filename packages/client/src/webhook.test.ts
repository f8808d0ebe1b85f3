import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign as signEd25519 } from "node:crypto";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSigned } from "./signature.ts";
import { verifyWebhook, type WebhookHeaders } from "./webhook.ts";

const NOW = Date.parse("2026-11-21T08:00:00Z");
const SECRET = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
const OTHER = `whsec_${Buffer.alloc(32, 2).toString("base64")}`;
const BODY = JSON.stringify({ type: "task.completed", timestamp: "2026-11-21T08:00:00Z", data: { id: "task_1" } });

const hmac = (secret: string, content: string | Buffer) =>
  `v1,${createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"))
    .update(content)
    .digest("base64")}`;

function headersFor(body: string | Buffer, { id = "evt_1", at = NOW / 1_000, signature = "" } = {}) {
  const content = Buffer.concat([Buffer.from(`${id}.${at}.`), Buffer.from(body)]);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(at),
    "webhook-signature": signature || hmac(SECRET, content),
  };
}
const verify = (body: string | Uint8Array, headers: WebhookHeaders, key: string | string[] = SECRET) =>
  verifyWebhook(body, headers, key, { now: NOW });

describe("accepted webhooks", () => {
  test("the example of the Standard Webhooks specification is verified", async () => {
    const signed = {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timestamp: "1614265330",
      body: Buffer.from('{"test": 2432232314}'),
      signatures: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    expect(await isSigned(signed, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])).toBe(true);
    expect(await isSigned({ ...signed, timestamp: "1614265331" }, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])).toBe(
      false,
    );
  });

  test("a body signed with the secret returns its event, typed by `type`, with the webhook id", async () => {
    const event = await verify(BODY, headersFor(BODY));
    expect(event).toEqual({ ...JSON.parse(BODY), id: "evt_1" });
    if (event.type === "task.completed") expect(event.data.id satisfies string).toBe("task_1");
  });

  test.each([
    ["Headers", (h: Record<string, string>) => new Headers(h)],
    ["Node's object", (h: Record<string, string>) => h],
    [
      "an object with upper-case names",
      (h: Record<string, string>) => Object.fromEntries(Object.entries(h).map(([n, v]) => [n.toUpperCase(), v])),
    ],
    [
      "an object of lists",
      (h: Record<string, string>) => Object.fromEntries(Object.entries(h).map(([n, v]) => [n, [v]])),
    ],
  ])("headers given as %s are accepted", async (_, shape) => {
    expect((await verify(BODY, shape(headersFor(BODY)))).id).toBe("evt_1");
  });

  test("a body of bytes is accepted in any buffer type and with non-ASCII characters", async () => {
    const body = BODY.replace("task_1", "ein Boot 🛶");
    const padded = Buffer.concat([Buffer.from("xx"), Buffer.from(body)]).subarray(2);
    expect((await verify(new Uint8Array(padded), headersFor(body))).data.id).toBe("ein Boot 🛶");
    expect((await verify(padded, headersFor(body))).data.id).toBe("ein Boot 🛶");
    const { buffer } = new Uint8Array(padded);
    expect((await verifyWebhook(buffer, headersFor(body), SECRET, { now: NOW })).data.id).toBe("ein Boot 🛶");
    const elsewhere = runInNewContext("new Uint8Array(bytes)", { bytes: [...padded] });
    expect((await verify(elsewhere, headersFor(body))).data.id).toBe("ein Boot 🛶");
  });

  test("during a secret rotation one matching key and one matching signature are enough", async () => {
    const { "webhook-signature": signature } = headersFor(BODY);
    expect((await verify(BODY, headersFor(BODY), [OTHER, SECRET])).id).toBe("evt_1");
    const both = headersFor(BODY, { signature: `v1,${"A".repeat(43)}= v2,xyz ${signature}` });
    expect((await verify(BODY, both)).id).toBe("evt_1");
  });

  test("an ed25519 signature is verified with the public key alone", async () => {
    const { key, signature } = ed25519(BODY);
    const headers = headersFor(BODY, { signature });
    expect((await verify(BODY, headers, key)).id).toBe("evt_1");
    expect((await verify(BODY, headers, [SECRET, key])).id).toBe("evt_1");
    await expect(verify(BODY, headers, ed25519(BODY).key)).rejects.toMatchObject({ fault: "signature_wrong" });
  });

  test("a signed event of an unknown type is accepted", async () => {
    const body = JSON.stringify({ type: "endpoint.test", timestamp: "", data: {} });
    expect((await verify(body, headersFor(body))).type).toBe("endpoint.test");
  });
});

function ed25519(body: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519") as { publicKey: KeyObject; privateKey: KeyObject };
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const signature = signEd25519(null, Buffer.from(`evt_1.${NOW / 1_000}.${body}`), privateKey).toString("base64");
  return { key: `whpk_${raw.toString("base64")}`, signature: `v1a,${signature}` };
}

describe("rejected webhooks", () => {
  const rejected = (fault: string) => ({ name: "WebhookError", code: "webhook_rejected", fault });

  test("for every changed bit of body, id, time or signature, the webhook is rejected", async () => {
    const headers = headersFor(BODY);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("body", "webhook-id", "webhook-timestamp", "webhook-signature"),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        async (where, at, bits) => {
          const given = where === "body" ? BODY : headers[where as keyof typeof headers];
          const bytes = Buffer.from(given);
          bytes[at % bytes.length]! ^= bits;
          const changed = bytes.toString();
          const body = where === "body" ? changed : BODY;
          await expect(
            verify(body, where === "body" ? headers : { ...headers, [where]: changed }),
          ).rejects.toMatchObject({
            code: "webhook_rejected",
          });
        },
      ),
    );
  });

  test("a webhook signed with another secret is rejected", async () => {
    await expect(verify(BODY, headersFor(BODY), OTHER)).rejects.toMatchObject(rejected("signature_wrong"));
  });

  test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])(
    "a webhook without the header %s is rejected",
    async (name) => {
      const headers = { ...headersFor(BODY), [name]: undefined };
      await expect(verify(BODY, headers)).rejects.toMatchObject(rejected("headers_missing"));
    },
  );

  test("a time difference of five minutes is accepted, one second more is rejected", async () => {
    const at = (offsetS: number) => verify(BODY, headersFor(BODY, { at: NOW / 1_000 + offsetS }));
    expect((await at(-300)).id).toBe("evt_1");
    expect((await at(300)).id).toBe("evt_1");
    await expect(at(-301)).rejects.toMatchObject(rejected("timestamp_off"));
    await expect(at(301)).rejects.toMatchObject(rejected("timestamp_off"));
    const tolerant = verifyWebhook(BODY, headersFor(BODY, { at: NOW / 1_000 - 400 }), SECRET, {
      now: NOW,
      toleranceS: 400,
    });
    expect((await tolerant).id).toBe("evt_1");
  });

  test("an id with a full stop is rejected, because it could contain another message's time", async () => {
    await expect(verify(BODY, headersFor(BODY, { id: "evt.1" }))).rejects.toMatchObject(rejected("signature_wrong"));
  });

  test("an HMAC made with the public key as secret is rejected", async () => {
    const { key } = ed25519(BODY);
    const content = `evt_1.${NOW / 1_000}.${BODY}`;
    const raw = Buffer.from(key.slice("whpk_".length), "base64");
    const forged = createHmac("sha256", raw).update(content).digest("base64");
    for (const signature of [`v1,${forged}`, `v1a,${forged}`]) {
      await expect(verify(BODY, headersFor(BODY, { signature }), key)).rejects.toMatchObject(
        rejected("signature_wrong"),
      );
    }
  });

  test("a valid signature after 20 others is not checked", async () => {
    const { "webhook-signature": signature } = headersFor(BODY);
    const many = headersFor(BODY, { signature: `${`v1,${"A".repeat(43)}= `.repeat(20)}${signature}` });
    await expect(verify(BODY, many)).rejects.toMatchObject(rejected("signature_wrong"));
  });

  test.each(["", "null", "[]", "text", '{"type":1,"data":{}}', '{"type":"task.completed"}'])(
    "a signed body that is not an event is rejected: %j",
    async (body) => {
      await expect(verify(body, headersFor(body))).rejects.toMatchObject(rejected("body_unknown"));
    },
  );

  test("a signed body that is not UTF-8 is rejected", async () => {
    const body = Buffer.concat([Buffer.from(BODY.slice(0, -1)), Buffer.from([0xff, 0x7d])]);
    await expect(verify(body, headersFor(body))).rejects.toMatchObject(rejected("body_unknown"));
  });
});

describe("invalid arguments", () => {
  test.each([
    [[]],
    [""],
    ["whsec_"],
    [`whsec_${randomBytes(23).toString("base64")}`],
    [`whsec_${randomBytes(65).toString("base64")}`],
    [SECRET.slice(0, -2)],
    [`${SECRET}\n`],
    [SECRET.slice("whsec_".length)],
    [`whpk_${randomBytes(31).toString("base64")}`],
    [`whsk_${randomBytes(32).toString("base64")}`],
  ])("the malformed key %j is rejected without being repeated", async (key) => {
    const rejection = await verify(BODY, headersFor(BODY), key).catch((error: Error) => error);
    expect(rejection).toMatchObject({ code: "invalid_argument", field: "key" });
    if (String(key).length > 8) expect((rejection as Error).stack).not.toContain(String(key).trim().slice(6, 20));
  });

  test("a parsed body is rejected as an invalid argument", async () => {
    const rejection = verify(JSON.parse(BODY), headersFor(BODY));
    await expect(rejection).rejects.toMatchObject({ code: "invalid_argument", field: "body" });
  });

  test("a tolerance that is not a number is rejected", async () => {
    const rejection = verifyWebhook(BODY, headersFor(BODY), SECRET, { now: NOW, toleranceS: Number.NaN });
    await expect(rejection).rejects.toMatchObject({ code: "invalid_argument", field: "toleranceS" });
  });
});
