/** Hostile callback bodies with a valid token. The bytes are decoded exactly as the Callback function decodes them. */
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

async function submitFlow(): Promise<{ harness: TestHarness; token: string; flowId: string }> {
  const testHarness = createTestHarness();
  const flow = await testHarness.start({ progress: true, then: [{ press: "U1" }] });
  await testHarness.drain();
  return { harness: testHarness, token: tokenOf(testHarness.vendor.calls[0]!), flowId: flow.id };
}

/** Reads the body like `functions/callback.ts`. Undefined means that the function would respond with 400. */
function post(testHarness: TestHarness, token: string, bytes: Uint8Array | string, provider: string) {
  let text: string;
  try {
    text = typeof bytes === "string" ? bytes : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
  return handleCallback({ ...testHarness.deps, readCallback: () => readCallback(provider, text) }, token, text);
}

async function expectValidTasks({
  harness: testHarness,
  token,
  flowId,
}: Awaited<ReturnType<typeof submitFlow>>): Promise<void> {
  const { flow, tasks } = await testHarness.deps.store.loadFlow(flowId);
  for (const task of tasks) {
    expect(STATUSES).toContain(task.status);
    expect(isEnded(task) ? task.endedAt : task.due, task.status).toEqual(expect.any(Number));
    expect(task.progress).toBeGreaterThanOrEqual(0);
    expect(task.progress).toBeLessThanOrEqual(100);
    expect(Object.getPrototypeOf(task)).toBe(Object.prototype);
  }
  expect(tasks.length).toBeLessThanOrEqual(2);
  const stored = JSON.stringify({ flow, tasks });
  for (const secret of [token, "secret-of-ours", MASK, "notifyHook", "maskBase64"])
    expect(stored).not.toContain(secret);
  expect(testHarness.log.join()).not.toContain(token);
  expect(stored.length).toBeLessThan(150_000);
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

/** One field of a recorded body gets a value of another type, or occurs twice. */
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

describe("callback bodies with a valid token", () => {
  const hostile = fc.oneof(flipped, retyped, fc.constantFrom(...nasty));
  test("for every mixture of hostile bodies, the tasks stay valid and no secret is stored or logged", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hostile, { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...PROVIDER_IDS),
        async (posts, provider) => {
          const submitted = await submitFlow();
          for (const bytes of posts) {
            const received = await post(submitted.harness, submitted.token, bytes, provider);
            if (received) expect(["recorded", "dropped", "unreadable"]).toContain(received.kind);
          }
          await expectValidTasks(submitted);
        },
      ),
      { numRuns: 200 },
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  const named = nasty.map((body) => [`${body.slice(0, 60)} (${body.length})`, body]);
  test.each(named)("the task stays valid and can still end after the body %s", async (_, body) => {
    const submitted = await submitFlow();
    await post(submitted.harness, submitted.token, body, "trueai");
    await expectValidTasks(submitted);
    // The body may have ended the task, as a vendor may. Otherwise a genuine callback still ends the task.
    const call = submitted.harness.vendor.calls[0]!;
    await submitted.harness.post(call, "SUCCESS");
    const { tasks } = await submitted.harness.deps.store.loadFlow(submitted.flowId);
    expect(isEnded(tasks.find((task) => task.path === "0")!)).toBe(true);
  });
});

test("a callback with task A's token and task B's body changes only A, and presses use A's vendor id", async () => {
  const { harness: testHarness, token, flowId } = await submitFlow();
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
