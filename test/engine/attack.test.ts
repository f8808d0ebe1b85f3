/** Attacks on the callback handler: spoiled bodies and forged tokens. */
import { readdirSync, readFileSync } from "node:fs";
import { isEnded, STATUSES } from "@mjflow/core/task";
import { handleCallback } from "@mjflow/engine/handle-callback";
import { readCallback } from "@mjflow/providers/callback";
import { PROVIDER_IDS } from "@mjflow/providers/registry";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTestHarness, type TestHarness, tokenOf } from "../support/harness.ts";

const FIXTURES = new URL("../../packages/providers/fixtures/", import.meta.url);
const bodies = readdirSync(FIXTURES)
  .filter((name) => /^(callback|task)-/.test(name))
  .map((name) => readFileSync(new URL(name, FIXTURES), "utf8"));

/** Returns a submitted task and its valid token. */
async function submitted(progress = true): Promise<{ harness: TestHarness; token: string; flowId: string }> {
  const testHarness = createTestHarness();
  const flow = await testHarness.start({ progress, then: [{ press: "U1" }] });
  await testHarness.drain();
  return { harness: testHarness, token: tokenOf(testHarness.vendor.calls[0]!), flowId: flow.id };
}

/** Handles a callback like the function does: the provider parses the body. */
const post = (testHarness: TestHarness, token: string, body: string, provider = "trueai") =>
  handleCallback({ ...testHarness.deps, readCallback: () => readCallback(provider, body) }, token, body);

/**
 * A recorded body that is damaged: it is cut, one byte is changed, a field is doubled, or a value of another type is
 * inserted.
 */
const spoiled = fc
  .record({
    body: fc.constantFrom(...bodies),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    by: fc.integer({ min: 0, max: 5 }),
    byte: fc.string({ minLength: 1, maxLength: 3 }),
  })
  .map(({ body, at, by, byte }) => {
    const i = Math.floor(at * body.length);
    if (by === 0) return body.slice(0, i);
    if (by === 1) return body.slice(0, i) + byte + body.slice(i + 1);
    if (by === 2) return body.replace("{", '{"status":"SUCCESS","id":{"$gt":""},');
    if (by === 3)
      return body.replace(
        /"(status|id|progress|buttons|imageUrl|properties|failReason)":\s*("[^"]*"|null)/,
        '"$1":[[[{"__proto__":{"x":1}}]]]',
      );
    if (by === 4) return body.replace(/"progress":\s*"[^"]*"/, '"progress":"99999999999999999999%"');
    return `[${body},${body}]`;
  });

describe("callbacks with a valid token", () => {
  test("for every body, the callback handler returns a known result, the task has a known status and no secret is stored", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(spoiled, fc.string(), fc.json({ maxDepth: 8 })), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...PROVIDER_IDS),
        async (posts, provider) => {
          const { harness: testHarness, token, flowId } = await submitted();
          for (const body of posts) {
            const received = await post(testHarness, token, body, provider);
            expect(["recorded", "dropped", "unreadable"]).toContain(received.kind);
          }
          const { tasks } = await testHarness.deps.store.loadFlow(flowId);
          for (const task of tasks) {
            expect(STATUSES).toContain(task.status);
            expect(isEnded(task) || task.due !== undefined).toBe(true);
          }
          const stored = JSON.stringify(tasks);
          for (const word of [token, "hooks.example.com", "maskBase64", "notifyHook"])
            expect(stored).not.toContain(word);
        },
      ),
      { numRuns: 150 },
    );
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  test("a callback with the body of another task changes only the task of the token", async () => {
    const { harness: testHarness, token, flowId } = await submitted();
    const other = await testHarness.start();
    await testHarness.drain();
    const body = JSON.stringify({ id: testHarness.vendor.calls[1]!.id, status: "FAILURE", failReason: "x" });
    await post(testHarness, token, body);
    expect((await testHarness.deps.store.getTask({ flowId, path: "0" }))!.status).toBe("FAILURE");
    expect((await testHarness.deps.store.getTask({ flowId: other.id, path: "0" }))!.status).toBe("SUBMITTED");
  });

  test("a very deep or very long body is handled, and the stored task stays small", async () => {
    const { harness: testHarness, token } = await submitted();
    const deep = `{"id":"1","status":"SUCCESS","properties":${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}}`;
    expect(["recorded", "unreadable"]).toContain((await post(testHarness, token, deep)).kind);
    const long = JSON.stringify({
      id: "1",
      status: "SUCCESS",
      maskBase64: "A".repeat(5_000_000),
      junk: "x".repeat(500_000),
    });
    await post(testHarness, token, long);
    const { tasks } = await testHarness.deps.store.loadFlow(
      (await testHarness.deps.store.listFlows("app_a", 1)).flows[0]!.id,
    );
    expect(JSON.stringify(tasks).length).toBeLessThan(60_000);
  });
});

describe("callbacks with an invalid token", () => {
  test("a token with one changed character is refused without a call of the table", async () => {
    const { harness: testHarness, token } = await submitted();
    const body = JSON.stringify({ id: "1", status: "SUCCESS" });
    testHarness.storeFault.calls.length = 0;
    for (let i = 0; i < token.length; i++) {
      for (const other of ["0", "1", "A", "_", "."]) {
        if (token[i] === other) continue;
        const edited = token.slice(0, i) + other + token.slice(i + 1);
        expect((await post(testHarness, edited, body)).kind, `${i} ${other}`).toBe("refused");
      }
      expect((await post(testHarness, token.slice(0, i), body)).kind).toBe("refused");
    }
    expect(testHarness.storeFault.calls).toEqual([]);
  });

  test("the MAC of one token is refused with another task, attempt, expiry, account or flag", async () => {
    const { harness: testHarness, token } = await submitted();
    await testHarness.start();
    await testHarness.drain();
    const second = tokenOf(testHarness.vendor.calls[1]!);
    const parts = token.split(".");
    const mac = parts.at(-1)!;
    const forgedTokens = [
      [...second.split(".").slice(0, -1), mac],
      [...parts.slice(0, 4), "2", ...parts.slice(5)],
      [...parts.slice(0, 7), "zzzzzzz", ...parts.slice(8)],
      [...parts.slice(0, 5), "newapi", ...parts.slice(6)],
      [...parts.slice(0, 8), "c", mac],
    ];
    for (const forged of forgedTokens)
      expect(await post(testHarness, forged.join("."), "{}")).toMatchObject({ kind: "refused" });
  });

  test("every random text is refused as a token", async () => {
    const { harness: testHarness } = await submitted();
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 600 }), async (token) => {
        expect((await post(testHarness, token, "{}")).kind).toBe("refused");
      }),
    );
  });
});
