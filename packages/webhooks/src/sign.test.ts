import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { newKeyPair, newSecret, publicKeyOf, sign, verify } from "./sign.ts";

const NOW = 1_735_689_600_500;
const message = {
  id: "msg_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
  timestampS: 1_735_689_600,
  body: '{"type":"flow.completed","n":"é"}',
};

function headersOf(signed: typeof message, signature: string) {
  return { "webhook-id": signed.id, "webhook-timestamp": String(signed.timestampS), "webhook-signature": signature };
}

const schemes = {
  v1: () => {
    const secret = newSecret(randomBytes(32));
    return { secret, key: secret };
  },
  v1a: () => {
    const { privateKey, publicKey } = newKeyPair(randomBytes(32));
    return { secret: privateKey, key: publicKey };
  },
};

describe("published examples", () => {
  test("the v1 signature equals the example in the tests of the official libraries", () => {
    const given = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestampS: 1_614_265_330, body: '{"test": 2432232314}' };
    expect(sign(given, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])).toBe(
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
  });

  test("the v1a signature equals the example of the standard, with the key pair of Svix's documentation", () => {
    const given = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestampS: 1_614_265_330, body: '{"test": 2432232314}' };
    const pair = newKeyPair(Buffer.from("6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=", "base64"));
    expect(pair.publicKey).toBe("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=");
    expect(publicKeyOf(pair.privateKey)).toBe(pair.publicKey);
    const seedAlone = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=";
    for (const key of [pair.privateKey, seedAlone]) {
      expect(sign(given, [key])).toBe(
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
      );
    }
  });
});

test("for any secret and any body, the official library makes the same signature", () => {
  const secrets = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(newSecret);
  fc.assert(
    fc.property(secrets, fc.string({ unit: "binary" }), fc.nat(), (secret, body, timestampS) => {
      const official = new Webhook(secret).sign(message.id, new Date(timestampS * 1_000), body);
      expect(sign({ id: message.id, timestampS, body }, [secret])).toBe(official);
    }),
  );
});

describe.each(Object.entries(schemes))("%s", (_, make) => {
  const { secret, key } = make();
  const signature = sign(message, [secret]);
  const headers = headersOf(message, signature);

  test("a signature is accepted with its own key", () => {
    expect(verify({ headers, body: message.body }, [key], NOW)).toBe(true);
    expect(verify({ headers, body: message.body }, [make().key, key], NOW)).toBe(true);
  });

  test.each([
    ["another body", { body: `${message.body} ` }],
    ["another id", { headers: { ...headers, "webhook-id": `${message.id}x` } }],
    ["another time", { headers: { ...headers, "webhook-timestamp": "1735689601" } }],
    ["a full stop moved from body to id", { headers: { ...headers, "webhook-id": `${message.id}.1735689600` } }],
    ["no id", { headers: { ...headers, "webhook-id": undefined } }],
    ["no time", { headers: { ...headers, "webhook-timestamp": undefined } }],
    ["a time that is not an integer", { headers: { ...headers, "webhook-timestamp": "1735689600.0" } }],
    ["no signature", { headers: { ...headers, "webhook-signature": undefined } }],
    ["an empty signature", { headers: { ...headers, "webhook-signature": "v1, v1a, ," } }],
    ["half a signature", { headers: { ...headers, "webhook-signature": signature.slice(0, 30) } }],
    ["an unknown version", { headers: { ...headers, "webhook-signature": signature.replace(/^v1a?/, "v2") } }],
  ])("a webhook with %s is rejected", (_name, changed) => {
    expect(verify({ headers, body: message.body, ...changed }, [key], NOW)).toBe(false);
  });

  test("a signature is rejected with another key or without a key", () => {
    expect(verify({ headers, body: message.body }, [make().key], NOW)).toBe(false);
    expect(verify({ headers, body: message.body }, [], NOW)).toBe(false);
  });

  test("a signature with any flipped bit is rejected", () => {
    const [version, text] = signature.split(",");
    const bytes = Buffer.from(text!, "base64");
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const forged = headersOf(message, `${version},${flipped.toString("base64")}`);
        expect(verify({ headers: forged, body: message.body }, [key], NOW)).toBe(false);
      }),
    );
  });

  test.each([-300_000, 300_000])("a webhook is accepted if its time differs from now by %i ms", (offMs) => {
    expect(verify({ headers, body: message.body }, [key], message.timestampS * 1_000 + offMs)).toBe(true);
  });

  test.each([-301_000, 300_001, 301_500])("a webhook is rejected if its time differs from now by %i ms", (offMs) => {
    expect(verify({ headers, body: message.body }, [key], message.timestampS * 1_000 + offMs)).toBe(false);
  });
});

test("during a secret rotation, one header has a signature for each secret, and each key accepts the header", () => {
  const [old, newer, asymmetric] = [schemes.v1(), schemes.v1(), schemes.v1a()];
  const signature = sign(message, [newer.secret, old.secret, asymmetric.secret]);
  expect(signature).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}= v1a,[\w+/]{86}==$/);
  for (const { key } of [old, newer, asymmetric]) {
    expect(verify({ headers: headersOf(message, signature), body: message.body }, [key], NOW)).toBe(true);
  }
});

test("a v1 signature that is labeled v1a is rejected", () => {
  const { secret, key } = schemes.v1();
  const headers = headersOf(message, sign(message, [secret]).replace("v1,", "v1a,"));
  expect(verify({ headers, body: message.body }, [key], NOW)).toBe(false);
});

test.each([23, 65])("newSecret throws RangeError for %i bytes", (size) => {
  expect(() => newSecret(randomBytes(size))).toThrow(
    new RangeError(`A signing secret has 24 to 64 bytes, not ${size}.`),
  );
});

test.each([24, 64])("newSecret has a secret for %i bytes that signs", (size) => {
  expect(sign(message, [newSecret(randomBytes(size))])).toMatch(/^v1,[\w+/]{43}=$/);
});

test.each([31, 33, 64])("newKeyPair throws RangeError for %i bytes", (size) => {
  expect(() => newKeyPair(randomBytes(size))).toThrow(new RangeError(`An ed25519 seed has 32 bytes, not ${size}.`));
});

test("a v1a signature that is labeled v1 is rejected", () => {
  const { secret, key } = schemes.v1a();
  const headers = headersOf(message, sign(message, [secret]).replace("v1a,", "v1,"));
  expect(verify({ headers, body: message.body }, [key], NOW)).toBe(false);
});

const good = schemes.v1a().secret;
test.each([
  "",
  "whsec_",
  "whsec_short",
  `whsec_${randomBytes(23).toString("base64")}`,
  `whsec_${randomBytes(65).toString("base64")}`,
  `whsec_${randomBytes(24).toString("base64")} `,
  `whsec_${randomBytes(32).toString("base64").slice(0, -1)}`,
  `whsec_*${randomBytes(32).toString("base64")}`,
  randomBytes(32).toString("base64"),
  `whsex_${randomBytes(32).toString("base64")}`,
  schemes.v1a().key,
  `whsk_${randomBytes(31).toString("base64")}`,
  `whsk_${randomBytes(64).toString("base64")}`,
  `${good.slice(0, -1)}`,
])("signing throws for a malformed secret, and the error does not contain the secret", (secret) => {
  const kind = secret.startsWith("whsk_") ? "whsk_" : "whsec_";
  expect(() => sign(message, [secret])).toThrow(new TypeError(`A ${kind}… key is malformed.`));
  try {
    sign(message, [secret]);
  } catch (error) {
    if (secret.length > 10) expect(String((error as Error).stack)).not.toContain(secret.slice(6));
  }
});

test("a public key that is malformed is an error of the receiver", () => {
  const headers = headersOf(message, sign(message, [good]));
  for (const key of [`whpk_${randomBytes(31).toString("base64")}`, "whpk_", "whpk_*"]) {
    expect(() => verify({ headers, body: message.body }, [key], NOW)).toThrow(
      new TypeError("A whpk_… key is malformed."),
    );
  }
});

const BAD_ID = "A webhook's id may contain only letters, digits, _ and -.";
const BAD_TIME = "A webhook's timestamp must be in whole seconds.";
test.each([
  [{ ...message, id: "a.b" }, BAD_ID],
  [{ ...message, id: "" }, BAD_ID],
  [{ ...message, id: "a\r\nb" }, BAD_ID],
  [{ ...message, id: "a".repeat(256) }, BAD_ID],
  [{ ...message, timestampS: 1.5 }, BAD_TIME],
  [{ ...message, timestampS: Number.NaN }, BAD_TIME],
  [{ ...message, timestampS: -1 }, BAD_TIME],
])("signing throws for an ambiguous id or time: %j", (ambiguous, why) => {
  expect(() => sign(ambiguous, [schemes.v1().secret])).toThrow(new TypeError(why));
});

test("a time of 0 and an id of 255 characters can be signed", () => {
  expect(sign({ ...message, id: "a".repeat(255), timestampS: 0 }, [schemes.v1().secret])).toMatch(/^v1,/);
});

test("signing throws if there is no secret", () => {
  expect(() => sign(message, [])).toThrow(new TypeError("At least one secret is needed to sign."));
});
