import { describe, expect, it } from "vitest";
import { AppPatch, AppRequest, isLiveKey, isOpen, keyPrefix, newKeyText, outgoing, parseKeyText } from "./app.ts";

const APP = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const bytes = Uint8Array.from({ length: 25 }, (_, i) => i * 9);
const key = { appId: APP, id: "key_7QK2M9XA", rev: 1, sha256: "", createdAt: 0 };

describe("a key", () => {
  it("names its app and itself, so that its rows are found without a look-up", () => {
    const { id, text } = newKeyText(APP, bytes);
    expect(text).toMatch(/^mjk_01K9ZC7T3R8M2V5X0Q4B6N1JHD_[0-9A-Z]{8}_[0-9A-Z]{32}$/);
    expect(parseKeyText(text)).toEqual({ appId: APP, keyId: id });
    expect(text.startsWith(`${keyPrefix(APP, id)}_`)).toBe(true);
    expect(() => newKeyText(APP, bytes.subarray(1))).toThrow(RangeError);
  });

  it("is not anything else: neither the operator's, nor cut short, nor with a word more", () => {
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

  it("lives until it is revoked or its time is over; going out never lengthens its life", () => {
    expect(isLiveKey(key, 9e15)).toBe(true);
    expect(isLiveKey({ ...key, revokedAt: 1 }, 0)).toBe(false);
    expect(isLiveKey({ ...key, expiresAt: 10 }, 9)).toBe(true);
    expect(isLiveKey({ ...key, expiresAt: 10 }, 10)).toBe(false);
    expect(outgoing(key, 1_000, 5).expiresAt).toBe(6_000);
    expect(outgoing({ ...key, expiresAt: 2_000 }, 1_000, 5).expiresAt).toBe(2_000);
  });
});

describe("an app", () => {
  it("is open unless disabled or deleted", () => {
    const app = { id: APP, rev: 1, name: "shop", createdAt: 0 };
    expect([isOpen(app), isOpen({ ...app, disabledAt: 1 }), isOpen({ ...app, deletedAt: 1 })]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("has limits that can be counted exactly", () => {
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
