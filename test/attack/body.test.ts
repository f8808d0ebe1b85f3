/** Bodies nobody sends in good faith, under a token that is right: bytes as they come, decoded as the function does it. */
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
  .filter((name) => /^(callback|task)-.*\.json$/.test(name))
  .map((name) => readFileSync(new URL(name, FIXTURES)));

const HOOK = "https://hooks.test/callbacks/secret-of-ours";
const MASK = "TUFTSw".repeat(50);

async function atVendor(): Promise<{ harness: TestHarness; token: string; flowId: string }> {
  const testHarness = createTestHarness();
  const flow = await testHarness.start({ progress: true, then: [{ press: "U1" }] });
  await testHarness.drain();
  return { harness: testHarness, token: tokenOf(testHarness.vendor.calls[0]!), flowId: flow.id };
}

/** As `functions/callback.ts` reads it; undefined is its 400. */
function post(testHarness: TestHarness, token: string, bytes: Uint8Array | string, provider: string) {
  let text: string;
  try {
    text = typeof bytes === "string" ? bytes : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
  return handleCallback({ ...testHarness.deps, readCallback: () => readCallback(provider, text) }, token, text);
}

async function expectSound({
  harness: testHarness,
  token,
  flowId,
}: Awaited<ReturnType<typeof atVendor>>): Promise<void> {
  const { flow, tasks } = await testHarness.deps.store.loadFlow(flowId);
  for (const task of tasks) {
    expect(STATUSES).toContain(task.status);
    expect(isEnded(task) ? task.endedAt : task.due, task.status).toEqual(expect.any(Number));
    expect(task.progress).toBeGreaterThanOrEqual(0);
    expect(task.progress).toBeLessThanOrEqual(100);
    expect(Object.getPrototypeOf(task)).toBe(Object.prototype);
  }
  expect(tasks.length).toBeLessThanOrEqual(2);
  const kept = JSON.stringify({ flow, tasks });
  for (const secret of [token, "secret-of-ours", MASK, "notifyHook", "maskBase64"]) expect(kept).not.toContain(secret);
  expect(testHarness.log.join()).not.toContain(token);
  expect(kept.length).toBeLessThan(150_000);
}

const flipped = fc
  .record({
    body: fc.constantFrom(...bodies),
    flips: fc.array(fc.record({ at: fc.nat(20_000), bit: fc.nat(7) }), { minLength: 1, maxLength: 8 }),
    keep: fc.double({ min: 0.05, max: 1, noNaN: true }),
  })
  .map(({ body, flips, keep }) => {
    const bytes = Uint8Array.from(body.subarray(0, flips.length > 4 ? Math.ceil(body.length * keep) : undefined));
    for (const { at, bit } of flips) bytes[at % bytes.length]! ^= 1 << bit;
    return bytes;
  });

/** Each field of a recorded body is given a value of another kind, or twice. */
const odd = fc.constantFrom<unknown>(
  null,
  true,
  -1,
  1e308,
  2 ** 63,
  "",
  "\u0000",
  "💣".repeat(300),
  [],
  [[[]]],
  {},
  {
    constructor: { prototype: { polluted: 1 } },
  },
);
const retyped = fc
  .record({ body: fc.constantFrom(...bodies), key: fc.nat(60), value: odd, twice: fc.boolean() })
  .map(({ body, key, value, twice }) => {
    const task = JSON.parse(body.toString()) as Record<string, unknown>;
    const keys = Object.keys(task);
    const name = keys[key % keys.length]!;
    if (!twice) return JSON.stringify({ ...task, [name]: value, notifyHook: HOOK, maskBase64: MASK });
    return `{"${name}":${JSON.stringify(value)},${JSON.stringify(task).slice(1)}`;
  });

const nasty = [
  '{"__proto__":{"polluted":1,"status":"SUCCESS"},"id":"1"}',
  '{"id":"1","status":"SUCCESS","constructor":{"prototype":{"polluted":1}},"properties":{"__proto__":{"polluted":1}}}',
  `{"id":"1","status":"SUCCESS","properties":{"notifyHook":"${HOOK}","maskBase64":"${MASK}","a":{"notifyHook":"${HOOK}"}}}`,
  `{"id":"1","status":"IN_PROGRESS","progress":"${"9".repeat(10_000)}%"}`,
  '{"id":1e400,"status":"SUCCESS"}',
  '{"id":-0,"status":"IN_PROGRESS","progress":-1e308}',
  `{"id":"1","status":"SUCCESS","progress":NaN}`,
  `{"id":"${"1".repeat(100_000)}","status":"SUCCESS","imageUrl":"javascript:alert(1)"}`,
  `{"id":"1","status":"SUCCESS","buttons":[${'{"customId":"MJ::JOB::upsample::1::x","label":"U1"},'.repeat(5_000)}{}]}`,
  `{"id":"1","status":"FAILURE","failReason":"${"x".repeat(1_000_000)}"}`,
  `{"id":"1","status":"${"SUCCESS".repeat(1_000)}"}`,
  `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  `{"id":"1","status":"SUCCESS","properties":${'{"a":'.repeat(100_000)}0${"}".repeat(100_000)}}`,
  `{"id":"1","status":"SUCCESS","buttons":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  '"SUCCESS"',
  "null",
  "",
  "\uFEFF{}",
];

describe("with a token that is right, no body breaks a task or leaves a secret", () => {
  const hostile = fc.oneof(flipped, retyped, fc.constantFrom(...nasty));
  test("flipped bits, cuts, other types, fields twice, depth, prototypes, huge numbers, in any mixture", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostile, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...PROVIDER_IDS),
        async (posts, provider) => {
          const at = await atVendor();
          for (const bytes of posts) {
            const received = await post(at.harness, at.token, bytes, provider);
            if (received) expect(["recorded", "dropped", "unreadable"]).toContain(received.kind);
          }
          await expectSound(at);
        },
      ),
      { numRuns: 200 },
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test.each(nasty.map((body) => [`${body.slice(0, 60)} (${body.length})`, body]))("%s", async (_, body) => {
    const at = await atVendor();
    await post(at.harness, at.token, body, "trueai");
    await expectSound(at);
    // Whatever it was: unless it ended the task, which a vendor may, the truth still does.
    const call = at.harness.vendor.calls[0]!;
    await at.harness.post(call, "SUCCESS");
    const { tasks } = await at.harness.deps.store.loadFlow(at.flowId);
    expect(isEnded(tasks.find((task) => task.path === "0")!)).toBe(true);
  });
});

test("task A's token with task B's body moves A, by the token, and leaves B as it was; presses go to the id A was given", async () => {
  const { harness: testHarness, token, flowId } = await atVendor();
  const other = await testHarness.start();
  await testHarness.drain();
  const [a, b] = testHarness.vendor.calls;
  await testHarness.postRaw(
    token,
    JSON.stringify({
      vendorTaskId: b!.id,
      status: "SUCCESS",
      result: { buttons: [{ customId: "MJ::JOB::upsample::1::b", label: "U1", emoji: "" }] },
    }),
  );
  await testHarness.drain();
  const rootA = (await testHarness.deps.store.getTask({ flowId, path: "0" }))!;
  expect(rootA).toMatchObject({ status: "SUCCESS", vendorTaskId: a!.id, vendorTaskIdFrom: "answer" });
  expect(await testHarness.deps.store.getTask({ flowId: other.id, path: "0" })).toMatchObject({
    status: "SUBMITTED",
    vendorTaskId: b!.id,
    callbacks: 0,
  });
  expect(testHarness.vendor.calls[2]).toMatchObject({ kind: "press", parent: a!.id });
});
