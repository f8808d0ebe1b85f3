/** Invalid callback tokens of every kind are rejected without any access to the table or the queue. */
import type { CallbackClaims } from "@mjflow/core/callback-token";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { beforeAll, describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness, TOKEN_KEY, tokenOf } from "../support/harness.ts";

const SUCCESS = JSON.stringify({
  vendorTaskId: "1",
  status: "SUCCESS",
  result: { imageUrl: "https://evil.test/x.png" },
});
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.%/ \u0000é";

let harness: TestHarness;
let token: string;
let parts: string[];
beforeAll(async () => {
  harness = createTestHarness();
  await harness.start({ then: [{ press: "U1" }] });
  await harness.start();
  await harness.drain();
  token = tokenOf(harness.vendor.calls[0]!);
  parts = token.split(".");
  harness.storeFault.calls.length = 0;
  harness.queueFault.calls.length = 0;
});

async function expectRefused(forged: string, why?: string): Promise<void> {
  const received = await harness.postRaw(forged, SUCCESS);
  expect(received, forged).toMatchObject(why ? { kind: "refused", why } : { kind: "refused" });
  expect([...harness.storeFault.calls, ...harness.queueFault.calls]).toEqual([]);
}

function mint(key: string, more: object): string {
  const read = harness.deps.callbackTokens.read(token, 0);
  if (!read.ok) throw new Error(read.why);
  const url = createCallbackTokens({ keys: [key], callbackUrl: "https://hooks.test" }).url({ ...read.claims, ...more });
  return url.split("/callbacks/")[1]!;
}

describe("invalid callback tokens", () => {
  test("a token with any other character at any position is rejected without access to table or queue", async () => {
    for (let i = 0; i < token.length; i++)
      for (const other of ALPHABET)
        if (other !== token[i]) await expectRefused(token.slice(0, i) + other + token.slice(i + 1));
  });

  test("a token that is cut at either end or extended is rejected", async () => {
    for (let i = 1; i <= token.length; i++) {
      await expectRefused(token.slice(i));
      await expectRefused(token.slice(0, -i));
    }
    for (const more of ["=", "A", ".", `.${parts.at(-1)}`, "\n", "\u0000", "/", "?x"]) {
      await expectRefused(token + more);
      await expectRefused(more + token);
    }
  });

  test("a token with a missing, repeated or swapped segment is rejected", async () => {
    for (let i = 0; i < parts.length; i++) {
      await expectRefused(parts.toSpliced(i, 1).join("."));
      await expectRefused(parts.toSpliced(i, 0, parts[i]!).join("."));
      for (let j = 0; j < i; j++) {
        const swapped = parts.with(i, parts[j]!).with(j, parts[i]!).join(".");
        if (swapped !== token) await expectRefused(swapped);
      }
    }
  });

  test("claims with the signature of another task, attempt or expiry are rejected as forged", async () => {
    const others = [
      tokenOf(harness.vendor.calls[1]!),
      mint(TOKEN_KEY, { attempt: 2 }),
      mint(TOKEN_KEY, { path: "0-0" }),
      mint(TOKEN_KEY, { expiresAt: Number.parseInt(parts[7]!, 36) * 1_000 + 1_000 }),
    ];
    for (const other of others) {
      expect(other).not.toBe(token);
      await expectRefused([...parts.slice(0, -1), other.split(".").at(-1)].join("."), "forged");
      await expectRefused([...other.split(".").slice(0, -1), parts.at(-1)].join("."), "forged");
    }
  });

  test("a token signed with another key is rejected, even if it names our key id", async () => {
    const foreign = mint("a key of another deployment, as long as ours", {});
    await expectRefused(foreign, "unknown-key");
    await expectRefused(foreign.split(".").with(1, parts[1]!).join("."), "forged");
  });

  test("a token is rejected from its expiry on", async () => {
    const { now } = harness.deps.clock;
    await expectRefused(mint(TOKEN_KEY, { expiresAt: now() }), "expired");
    await expectRefused(mint(TOKEN_KEY, { expiresAt: now() - 1_000 }), "expired");
    await expectRefused(mint(TOKEN_KEY, { expiresAt: 0 }), "expired");
  });

  test("a token that was accepted before is rejected after its expiry", () => {
    const { callbackTokens } = harness.deps;
    const expiresAt = Number.parseInt(parts[7]!, 36) * 1_000;
    for (const _ of [1, 2]) expect(callbackTokens.read(token, expiresAt - 1)).toMatchObject({ ok: true });
    expect(callbackTokens.read(token, expiresAt)).toEqual({ ok: false, why: "expired" });
    expect(callbackTokens.read(token, expiresAt - 1)).toMatchObject({ ok: true });
  });

  test("each of 3,000 valid tokens is still accepted after the others, and its forged variant is rejected", async () => {
    const { callbackTokens } = harness.deps;
    const tokens = Array.from({ length: 3_000 }, (_, i) => mint(TOKEN_KEY, { attempt: i + 1 }));
    for (const valid of tokens) expect(callbackTokens.read(valid, 0)).toMatchObject({ ok: true });
    for (const [i, valid] of tokens.entries()) {
      expect(callbackTokens.read(valid, 0)).toMatchObject({ ok: true, claims: { attempt: i + 1 } });
      await expectRefused(`${valid.slice(0, -2)}${valid.at(-2) === "A" ? "B" : "A"}${valid.at(-1)}`, "forged");
    }
  });

  test("a token of a megabyte is rejected as malformed", async () => {
    const long = [
      token.repeat(10_000),
      "1.".repeat(500_000),
      "1".repeat(1e6),
      `${token.slice(0, -43)}${"A".repeat(1e6)}`,
    ];
    for (const text of long) await expectRefused(text, "malformed");
  });
});

test("after all rejected variants the valid token still ends its own task, once, and no other task", async () => {
  expect(await harness.postRaw(token, SUCCESS)).toEqual({ kind: "recorded", moved: true });
  expect(await harness.postRaw(token, SUCCESS)).toEqual({ kind: "recorded", moved: false });
  const rows = (await harness.deps.store.listFlows("app_a", 10)).flows.map(({ id }) => harness.deps.store.loadFlow(id));
  const statuses = (await Promise.all(rows))
    .flatMap(({ tasks }) => tasks.filter((t) => t.path === "0"))
    .map((t) => t.status);
  expect(statuses.toSorted()).toEqual(["SUBMITTED", "SUCCESS"]);
});

test("a late callback of an earlier attempt is recorded as an orphan and starts no second follow-up", async () => {
  const own = createTestHarness();
  own.vendor.next({ kind: "unclear", reason: "cut off" });
  const flow = await own.start({ then: [{ press: "U1" }] });
  await own.drain();
  own.advance(own.deps.timings.graceMs.fast + 1);
  await own.sweep();
  await own.drain();
  const [first, second] = own.vendor.calls;
  await own.post(second!, "SUCCESS");
  await own.post(first!, "SUCCESS");
  await own.drain();
  const root = (await own.read(flow)).tasks.get("0")!;
  expect(root).toMatchObject({ status: "SUCCESS", attempt: 2, endedBy: 2 });
  expect(root.orphans).toMatchObject([{ attempt: 1 }]);
  expect(own.vendor.presses()).toHaveLength(1);
});

describe("tokens of a process that also gets their callbacks", () => {
  const shared = new Map<string, CallbackClaims>();
  const options = { keys: [TOKEN_KEY], callbackUrl: "https://hooks.test" };
  const [submitting, receiving, other] = [
    createCallbackTokens({ ...options, shared }),
    createCallbackTokens({ ...options, shared }),
    createCallbackTokens(options),
  ];
  const claims = {
    ...{ flowId: "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", path: "0-2", attempt: 1, provider: "p", account: "a" },
    ...{ expiresAt: 1_763_700_000_123, progress: false, calling: true },
  };
  const own = submitting.url(claims).split("/callbacks/")[1]!;

  test("they are read like in any other process, until they expire", () => {
    expect(shared.has(own)).toBe(true);
    expect(receiving.read(own, 0)).toEqual(other.read(own, 0));
    expect(receiving.read(own, claims.expiresAt)).toEqual({ ok: false, why: "expired" });
  });

  test("a token with one other character is forged", () => {
    const end = own.at(-2) === "A" ? "B" : "A";
    expect(receiving.read(own.slice(0, -2) + end + own.at(-1), 0)).toEqual({ ok: false, why: "forged" });
  });
});
