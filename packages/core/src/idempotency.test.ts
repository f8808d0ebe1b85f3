import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  IDEMPOTENCY_LEASE_MS,
  IDEMPOTENCY_TTL_MS,
  type IdempotencyRecord,
  idempotencyStateOf,
  parseIdempotencyKey,
} from "./idempotency.ts";
import { FUNCTION_TIMEOUT_S } from "./limit.ts";

describe("parseIdempotencyKey", () => {
  it("a key has 1 to 255 visible ASCII characters, bare or quoted", () => {
    for (const key of ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "x".repeat(255), "#%/~!'\\"]) {
      expect(parseIdempotencyKey(key)).toBe(key);
      expect(parseIdempotencyKey(`"${key}"`)).toBe(key);
    }
    for (const key of ['x"a"', '"a"x', '"']) expect(parseIdempotencyKey(key), "quoted in part is not quoted").toBe(key);
    for (const bad of ["", '""', "x".repeat(256), "a b", "a, b", "ключ", "a\u0000", "a\n", "\u007f", " a"]) {
      expect(parseIdempotencyKey(bad), JSON.stringify(bad)).toBeUndefined();
    }
  });
});

describe("idempotencyStateOf", () => {
  const row: IdempotencyRecord = {
    appId: "app",
    key: "k",
    rev: 1,
    fingerprint: "f",
    target: "flow_x",
    state: "running",
    leaseUntil: 1_000,
    createdAt: 0,
  };
  it.each<[string, Partial<IdempotencyRecord>, string, number, string]>([
    ["while the first request runs", {}, "f", 999, "in_flight"],
    ["once the lease has ended", {}, "f", 1_000, "resume"],
    ["once the lease was released", { leaseUntil: undefined }, "f", 1, "resume"],
    ["once the first request is done", { state: "done" }, "f", 1, "done"],
    ["for a different request while the first runs", {}, "g", 1, "mismatch"],
    ["for a different request after the first is done", { state: "done" }, "g", 1, "mismatch"],
    ["for any request after the first was rejected", { fingerprint: undefined }, "g", 1, "new"],
    ["for any request a day later", { state: "done" }, "g", IDEMPOTENCY_TTL_MS, "new"],
  ])("the state of the key %s is as expected", (_, fields, fingerprint, now, kind) => {
    expect(idempotencyStateOf({ ...row, ...fields }, fingerprint, now)).toEqual({ kind });
  });

  it("a lease is longer than the function may run", () => {
    expect(IDEMPOTENCY_LEASE_MS).toBeGreaterThan(FUNCTION_TIMEOUT_S.api * 1_000);
  });
});

describe("canonicalJson", () => {
  it("equal values give the same text, whatever the order of their fields", () => {
    expect(canonicalJson({ b: [1, { d: "é", c: null }], a: undefined, "": true })).toBe(
      '{"":true,"b":[1,{"c":null,"d":"é"}]}',
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("different values give different texts", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(JSON.parse(canonicalJson(a))) === JSON.stringify(JSON.parse(canonicalJson(b)));
        expect(canonicalJson(a) === canonicalJson(b)).toBe(same);
      }),
    );
  });
});
