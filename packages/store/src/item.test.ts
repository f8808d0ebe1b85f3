import { randomUUID } from "node:crypto";
import { newHealth } from "@mjflow/core/account-health";
import { newBreakerRecord } from "@mjflow/core/circuit-breaker";
import type { DeadLetter } from "@mjflow/core/dead-letter";
import type { Flow } from "@mjflow/core/flow";
import { newTask, type Task } from "@mjflow/core/task";
import { describe, expect, test } from "vitest";
import { type Item, ItemError, isExpired, itemBytes } from "./codec.ts";
import { upscaleResult } from "./item.fixture.ts";
import { DEAD_LETTER, FLOW, HEALTH, TASK } from "./item.ts";
import { RETENTION_MS } from "./keys.ts";

const flowId = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const now = 1_763_700_000_123;

const at = { flowId, provider: "trueai-org", account: "default", pace: "fast" } as const;
const pending: Task = {
  ...newTask({ ...at, path: "0-1", action: "UPSCALE", press: "upscale:2" }, now, now + 300_000),
  rev: 1,
};
const customId = `MJ::JOB::upsample::2::${randomUUID()}`;
const claimed: Task = { ...pending, rev: 2, status: "SUBMITTING", attempt: 1, customId, leaseUntil: now + 95_000 };
const submitted: Task = {
  ...claimed,
  rev: 3,
  status: "SUBMITTED",
  leaseUntil: undefined,
  vendorTaskId: "1763700000123456",
  vendorTaskIdFrom: "answer",
  submittedAt: now + 900,
};
const succeeded: Task = {
  ...submitted,
  rev: 4,
  status: "SUCCESS",
  progress: 100,
  callbacks: 1,
  endedAt: now + 10_000,
  endedBy: 1,
  due: undefined,
  result: upscaleResult(now),
};

const awkward = `"quoted" \\back\\slash\nnew\r\nlines\ttab \u0000\u2028 🧑🏽‍🚀 é e\u0301 ${"界".repeat(1_000)} `;
const flow: Flow = {
  id: flowId,
  appId: "app_1",
  rev: 1,
  status: "running",
  action: "imagine",
  provider: "trueai-org",
  account: "default",
  prompt: awkward,
  state: awkward,
  accountFilter: { modes: ["FAST"], remix: false },
  notifyHook: "https://app.example/hook",
  progress: false,
  createdAt: now,
  due: now + 1,
};

const deadLetter: DeadLetter = {
  id: "l",
  rev: 1,
  state: "kept",
  body: "{}",
  why: "not JSON",
  receives: 5,
  createdAt: now,
};

describe("encoding and decoding of rows", () => {
  test.each(Object.entries({ pending, claimed, submitted, succeeded }))(
    "a task in the state %s is decoded unchanged",
    (_, task) => {
      expect(TASK.ofItem(TASK.toItem(task))).toEqual(task);
    },
  );

  test("a task with all optional fields is decoded unchanged", () => {
    const full: Task = {
      ...succeeded,
      modal: { prompt: awkward, mask: { ref: flowId, index: 0 } },
      then: [{ press: "zoom:2", then: [{ press: "upscale:1" }] }],
      inputsRef: flowId,
      phase: "modal",
      modals: 2,
      busyAnswers: 3,
      vendorSiblings: ["1", "2"],
      duplicates: 4,
      lookups: 5,
      lookupMisses: 6,
      failure: { code: "vendor_failed", message: awkward, vendor: { description: awkward } },
      late: { status: "FAILURE", at: now },
      unknownStatus: "HALF_DONE",
      orphans: [{ attempt: 1, vendorTaskId: "7", at: now }],
    };
    expect(TASK.ofItem(TASK.toItem(full))).toEqual(full);
  });

  test("a flow is decoded unchanged, and its state and prompt are equal byte for byte", () => {
    const read = FLOW.ofItem(FLOW.toItem(flow));
    expect(read).toEqual(flow);
    expect(Buffer.from(read.state!)).toEqual(Buffer.from(awkward));
  });

  test("each flag of a flow is stored on its own", () => {
    const FLAGS = ["anyProvider", "archive", "hasCreditHold", "reopened", "progress"] as const;
    for (const flag of FLAGS) {
      const one = { ...flow, [flag]: true };
      expect(FLOW.ofItem(FLOW.toItem(one)), flag).toEqual(one);
    }
  });

  test("the health of an account is decoded unchanged", () => {
    const health = {
      provider: "p",
      account: "a",
      rev: 3,
      callbacks: "silent",
      misses: 0,
      failures: 0,
      changedAt: now,
      ...newBreakerRecord(),
    } as const;
    expect(HEALTH.ofItem(HEALTH.toItem(health))).toEqual(health);
    const faulty = { ...health, faults: 2, fault: "unclear", faultAt: now, opens: 1, openUntil: now } as const;
    const onTrial = { ...faulty, probing: true, busyUntil: now + 1 };
    expect(HEALTH.ofItem(HEALTH.toItem(onTrial))).toEqual(onTrial);
  });
});

test("a row of a newer schema version is rejected with a message", () => {
  const item = { ...TASK.toItem(pending), v: { N: "2" } };
  expect(() => TASK.ofItem(item)).toThrow(ItemError);
  expect(() => TASK.ofItem(item)).toThrow("task#0-1 has schema version 2; this code knows versions up to 1");
});

describe("unknown attributes of newer code", () => {
  const newer = { tags: { SS: ["a"] }, paidBy: { M: { key: { S: "k" } } } };

  test.each([
    [
      "a task",
      () => TASK.toItem(submitted),
      (item: Item) => TASK.toItem({ ...TASK.ofItem(item), status: "SUCCESS", due: undefined }),
    ],
    [
      "a flow",
      () => FLOW.toItem(flow),
      (item: Item) => FLOW.toItem({ ...FLOW.ofItem(item), status: "completed", due: undefined }),
    ],
    [
      "an account's health",
      () => HEALTH.toItem(newHealth("p", "a", now)),
      (item: Item) => HEALTH.toItem({ ...HEALTH.ofItem(item), misses: 1 }),
    ],
    [
      "a dead-letter message",
      () => DEAD_LETTER.toItem(deadLetter),
      (item: Item) => DEAD_LETTER.toItem({ ...DEAD_LETTER.ofItem(item), state: "dropped" }),
    ],
  ])("an unknown attribute in the row of %s is written back unchanged", (_, made, rewritten) => {
    const read = { ...made(), ...newer };
    expect(rewritten(read)).toMatchObject(newer);
    expect(Object.keys(rewritten(read)).toSorted()).toEqual(
      [...Object.keys(rewritten(made())), ...Object.keys(newer)].toSorted(),
    );
  });

  test("an unknown attribute is neither listed among the fields nor part of the JSON", () => {
    const read = TASK.ofItem({ ...TASK.toItem(submitted), ...newer });
    expect(Object.keys(read)).toEqual(Object.keys(TASK.ofItem(TASK.toItem(submitted))));
    expect(JSON.stringify(read)).not.toContain("paidBy");
  });

  test("a known attribute whose field is unset is removed from the row", () => {
    const row = TASK.toItem({
      ...TASK.ofItem({ ...TASK.toItem(submitted), ...newer }),
      due: undefined,
      customId: undefined,
    });
    for (const gone of ["dueAt", "dueShard", "cid"]) expect(row).not.toHaveProperty(gone);
  });
});

test("a row counts as expired after 35 days, even if TTL has not deleted it", () => {
  const item = TASK.toItem(pending);
  expect(isExpired(item, now + RETENTION_MS - 1_000)).toBe(false);
  expect(isExpired(item, now + RETENTION_MS + 1_000)).toBe(true);
});

describe("long JSON of a table that bills nothing", () => {
  const form = { deflateFrom: 32_768 };
  const plain = TASK.toItem(succeeded, form);

  test("it is stored as text and read like deflated JSON", () => {
    expect(plain["re"]).toEqual({ S: JSON.stringify(succeeded.result) });
    expect(TASK.ofItem(plain)).toEqual(succeeded);
  });

  test("a value above the table's own limit is deflated", () => {
    const long = { ...succeeded, result: { prompt: "a boat ".repeat(5_000) } };
    expect(TASK.toItem(long, form)["re"]).toHaveProperty("B");
    expect(TASK.ofItem(TASK.toItem(long, form))).toEqual(long);
  });

  test("a table that bills by size gets it deflated, by an export and by its next write", () => {
    const billed = TASK.toItem(succeeded);
    expect(billed["re"]).toHaveProperty("B");
    expect(TASK.compact(plain)).toEqual(billed);
    expect(TASK.compact(billed)).toEqual(billed);
    expect(TASK.toItem(TASK.ofItem(plain))).toEqual(billed);
    expect(plain["re"], "the row itself stays as it is").toHaveProperty("S");
  });
});

test("every write of a task costs one write unit, also the write of its end", () => {
  const sizes = Object.fromEntries(
    Object.entries({ pending, claimed, submitted, succeeded }).map(([name, task]) => [
      name,
      itemBytes(TASK.toItem(task)),
    ]),
  );
  const json = Buffer.byteLength(JSON.stringify(succeeded.result));
  console.table({ ...sizes, "result as plain JSON": json });
  expect(Math.max(sizes["pending"]!, sizes["claimed"]!, sizes["submitted"]!)).toBeLessThan(1_024);
  expect(sizes["succeeded"]).toBeLessThan(1_024);
});

test("a row of another kind is neither a flow nor a task", () => {
  const key = (pk: string, sk: string) => ({ pk: { S: pk }, sk: { S: sk }, v: { N: "1" }, rev: { N: "1" } });
  const flowPk = "flow#flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
  for (const [pk, sk] of [
    ["odd", "odd"],
    ["flow#odd", "flow"],
    [flowPk, "log#0"],
  ] as const) {
    expect(() => FLOW.ofItem(key(pk, sk))).toThrow(`"${sk}" is not a flow's row`);
    expect(() => TASK.ofItem(key(pk, sk))).toThrow(`"${sk}" is not a task's row`);
  }
  expect(() => FLOW.ofItem(key(flowPk, "task#0"))).toThrow(`"task#0" is not a flow's row`);
  expect(() => TASK.ofItem(key(flowPk, "flow"))).toThrow(`"flow" is not a task's row`);
});
