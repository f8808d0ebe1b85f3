import { describe, expect, it } from "vitest";
import {
  appIdOf,
  DEFAULT_APP,
  isActiveKey,
  isAppActive,
  isAppId,
  isKeyId,
  KEY_OVERLAP_S,
  keyPrefix,
  newKeyText,
  parseKeyText,
  withKeyExpiry,
} from "./app.ts";
import { AppPatch, AppRequest, CreditRequest, KeyRequest, RotateRequest, UsageQuery } from "./app-request.ts";

const APP = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const bytes = Uint8Array.from({ length: 25 }, (_, i) => i * 9);
const key = { appId: APP, id: "key_7QK2M9XA", rev: 1, sha256: "", createdAt: 0 };

describe("API keys", () => {
  it("a key text contains the ids of its app and of itself, so that the rows are found without a search", () => {
    const { id, text } = newKeyText(APP, bytes);
    expect(text).toMatch(/^mjk_01K9ZC7T3R8M2V5X0Q4B6N1JHD_[0-9A-Z]{8}_[0-9A-Z]{32}$/);
    expect(parseKeyText(text)).toEqual({ appId: APP, keyId: id });
    expect(text.startsWith(`${keyPrefix(APP, id)}_`)).toBe(true);
    expect(() => newKeyText(APP, bytes.subarray(1))).toThrow(new RangeError("newKeyText needs 25 random bytes"));
  });

  it("the operator key, a shortened key and a key with additional characters are not parsed", () => {
    const { text } = newKeyText(APP, bytes);
    for (const other of [
      "",
      "mjk_test_key",
      text.slice(0, -1),
      `${text}0`,
      text.toLowerCase(),
      ` ${text}`,
      `${text}\n`,
    ]) {
      expect(parseKeyText(other), other).toBeUndefined();
    }
  });

  it("a key is active until it is revoked or expires, and an expiry only becomes earlier", () => {
    expect(isActiveKey(key, 9e15)).toBe(true);
    expect(isActiveKey({ ...key, revokedAt: 1 }, 0)).toBe(false);
    expect(isActiveKey({ ...key, expiresAt: 10 }, 9)).toBe(true);
    expect(isActiveKey({ ...key, expiresAt: 10 }, 10)).toBe(false);
    expect(withKeyExpiry(key, 1_000, 5).expiresAt).toBe(6_000);
    expect(withKeyExpiry({ ...key, expiresAt: 2_000 }, 1_000, 5).expiresAt).toBe(2_000);
  });
});

describe("apps", () => {
  it("an app is active unless it is disabled or deleted", () => {
    const app = { id: APP, rev: 1, name: "shop", createdAt: 0 };
    expect([isAppActive(app), isAppActive({ ...app, disabledAt: 1 }), isAppActive({ ...app, deletedAt: 1 })]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("limits are valid only if they convert exactly to whole flows and micro-USD", () => {
    const ok = (limits: unknown) => AppRequest.safeParse({ name: "shop", limits }).success;
    expect(ok({ flowsPerMinute: 60, runningFlows: 10, creditsUsd: 0.000001 })).toBe(true);
    expect(ok({ creditsUsd: 12.34 })).toBe(true);
    for (const bad of [{ creditsUsd: 0.0000001 }, { creditsUsd: -1 }, { flowsPerMinute: 0 }, { flowsPerMinute: 1.5 }]) {
      expect(ok(bad), JSON.stringify(bad)).toBe(false);
    }
    expect(AppRequest.safeParse({ name: "" }).success).toBe(false);
    expect(AppPatch.safeParse({ limits: null, disabled: true }).success).toBe(true);
  });
});

describe("ids of apps and keys", () => {
  it("an app id is made of the time and random bytes, like a flow id", () => {
    const id = appIdOf(1_800_000_000_000, bytes.subarray(0, 10));
    expect(id).toMatch(/^app_01[0-9A-Z]{24}$/);
    expect([isAppId(id), isAppId(APP)]).toEqual([true, true]);
  });

  it("the operator's app id and malformed ids are not app ids", () => {
    expect(DEFAULT_APP).toBe("app_default");
    for (const other of [DEFAULT_APP, "", APP.slice(0, -1), `${APP}0`, `x${APP}`, APP.replace("app_", "flow_")]) {
      expect(isAppId(other), other).toBe(false);
    }
  });

  it("only a well-formed key id is recognized", () => {
    expect(isKeyId(key.id)).toBe(true);
    for (const other of ["", "key_", "key_7QK2M9X", "key_7QK2M9XAA", `x${key.id}`, "key_7qk2m9xa", "7QK2M9XA"]) {
      expect(isKeyId(other), other).toBe(false);
    }
  });
});

describe("requests of the operator", () => {
  const DAY = 24 * 3_600;
  type Schema = { safeParse(body: unknown): { success: boolean; error?: { issues: { message: string }[] } } };
  const fault = (schema: Schema, body: unknown) => schema.safeParse(body).error?.issues[0]?.message;
  const ok = (schema: Schema, field: string, ...values: unknown[]) =>
    values.map((value) => schema.safeParse({ [field]: value }).success);

  it("a key may expire after one minute to ten years, and the rotation overlap is at most 90 days", () => {
    expect(ok(KeyRequest, "expiresInS", 59, 60, 3_650 * DAY, 3_650 * DAY + 1)).toEqual([false, true, true, false]);
    expect(ok(RotateRequest, "overlapS", -1, 0, 90 * DAY, 90 * DAY + 1)).toEqual([false, true, true, false]);
    expect(KEY_OVERLAP_S).toBe(DAY);
  });

  it("all fields of key, rotation and patch requests are optional", () => {
    for (const schema of [KeyRequest, RotateRequest, AppPatch]) expect(schema.safeParse({}).success).toBe(true);
  });

  it("an invalid request gets a message that names the fault", () => {
    expect(fault(AppRequest, { name: "\ud83d" })).toBe("must be well-formed Unicode");
    expect(fault(AppRequest, { name: "shop", limits: { creditsUsd: 1e-7 } })).toBe("has at most six decimals");
    expect(fault(CreditRequest, { addUsd: 1, reference: "\ud83d" })).toBe("must be well-formed Unicode");
  });

  it("a credit request needs a positive amount and a reference", () => {
    expect(CreditRequest.safeParse({ addUsd: 12.5, reference: "invoice 7" }).success).toBe(true);
    for (const bad of [
      { addUsd: 0, reference: "r" },
      { addUsd: -1, reference: "r" },
      { addUsd: 1e-7, reference: "r" },
      { addUsd: 1_000_001, reference: "r" },
      { addUsd: 1, reference: "" },
      { addUsd: 1, reference: "r".repeat(201) },
      { addUsd: 1 },
    ]) {
      expect(CreditRequest.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });

  it("a usage query names one app or none", () => {
    expect([UsageQuery.parse({ app: APP }), UsageQuery.parse({})]).toEqual([{ app: APP }, {}]);
    for (const bad of [{ app: "a".repeat(101) }, { apps: APP }]) expect(UsageQuery.safeParse(bad).success).toBe(false);
  });
});
