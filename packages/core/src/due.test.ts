import { describe, expect, it } from "vitest";
import { deliveryIdOf } from "./delivery.ts";
import {
  DUE_CLASSES,
  DUE_PARTITIONS,
  type DueRow,
  dueClassOf,
  duePartition,
  duePartitionOf,
  MAX_DUE_SHARDS,
  sliceOf,
} from "./due.ts";
import { hashOf } from "./hash.ts";
import type { DueRef } from "./port.ts";
import { STATUSES, type TaskStatus } from "./task.ts";

const FLOW = "flow_01KB9H4T3W0000000000000000";
const flow: DueRow = { kind: "flow", flow: { id: FLOW } };
const delivery: DueRow = { kind: "delivery", flowId: FLOW };
const credit: DueRow = { kind: "credit", appId: "app_1" };
const replay: DueRow = { kind: "replay", appId: "app_1" };
const endpoint: DueRow = { kind: "endpoint", appId: "app_1" };
const waitList: DueRow = { kind: "waitList", provider: "sim", account: "a" };
const task = (status: TaskStatus, flowId = FLOW, account = "a"): DueRow => ({
  kind: "task",
  task: { flowId, status, provider: "sim", account },
});
/** Flow ids whose hashes differ. */
const FLOWS = Array.from({ length: 200 }, (_, i) => `${FLOW.slice(0, -3)}${String(i).padStart(3, "0")}`);

describe("the class of a due row", () => {
  it.each([
    ["delivery", [delivery, replay, endpoint]],
    ["repair", [credit, waitList]],
    ["flow", [flow]],
  ] as const)("is %s by its kind", (dueClass, rows) => {
    for (const row of rows) expect(dueClassOf(row), row.kind).toBe(dueClass);
  });

  it("of a task is poll only while its vendor works on it", () => {
    const polled = STATUSES.filter((status) => dueClassOf(task(status)) === "poll");
    expect(polled.toSorted()).toEqual(["IN_PROGRESS", "SUBMITTED"]);
    const others = STATUSES.filter((status) => !polled.includes(status)).map((status) => dueClassOf(task(status)));
    expect(new Set(others)).toEqual(new Set(["repair"]));
  });
});

describe("the partition of a due row", () => {
  it.each([1, 3, 4, 32])("with %i shards is that of its class and of the hash of its id", (shards) => {
    const at = (dueClass: string, id: string) => `due#${dueClass}#${hashOf(id) % shards}`;
    for (const id of FLOWS.slice(0, 20)) {
      expect(duePartitionOf({ kind: "flow", flow: { id } }, shards)).toBe(at("flow", id));
      expect(duePartitionOf(task("PENDING", id), shards)).toBe(at("repair", id));
      expect(duePartitionOf({ kind: "delivery", flowId: id }, shards)).toBe(at("delivery", id));
    }
    expect(duePartitionOf(credit, shards)).toBe(at("repair", "app_1"));
    expect(duePartitionOf(replay, shards)).toBe(at("delivery", "app_1"));
    expect(duePartitionOf(endpoint, shards)).toBe(at("delivery", "app_1"));
    expect(duePartitionOf(waitList, shards)).toBe(at("repair", "sim/a"));
  });

  it.each([1, 3, 4, 32])(
    "with %i shards the tasks of one account are in at most four, from the hash of the account",
    (shards) => {
      for (const account of ["a", "b", "c"]) {
        const start = hashOf(`sim/${account}`);
        const expected = (id: string) => `due#poll#${((start % shards) + (hashOf(id) % Math.min(4, shards))) % shards}`;
        const found = FLOWS.map((id) => duePartitionOf(task("SUBMITTED", id, account), shards));
        expect(found).toEqual(FLOWS.map(expected));
        expect(new Set(found).size).toBe(Math.min(4, shards));
      }
    },
  );

  it("without shards is one of four without a class, as earlier versions write it", () => {
    for (const row of [flow, delivery, task("PENDING"), task("SUBMITTED")]) {
      expect(duePartitionOf(row, 0)).toBe(`due#${hashOf(FLOW) % 4}`);
    }
    expect(duePartitionOf(credit, 0)).toBe(`due#${hashOf("app_1") % 4}`);
  });
});

describe("the list of partitions", () => {
  it("has those of earlier versions first, then each class in its order with 32 shards", () => {
    expect(MAX_DUE_SHARDS).toBe(32);
    expect(DUE_PARTITIONS.slice(0, 4).map(({ name, dueClass }) => [name, dueClass])).toEqual(
      [0, 1, 2, 3].map((shard) => [`due#${shard}`, "repair"]),
    );
    expect(DUE_PARTITIONS.slice(4)).toEqual(
      DUE_CLASSES.flatMap((dueClass) =>
        Array.from({ length: 32 }, (_, shard) => ({ name: `due#${dueClass}#${shard}`, dueClass })),
      ),
    );
  });

  it("finds a partition by its name, and none that no version writes", () => {
    for (const partition of DUE_PARTITIONS) expect(duePartition(partition.name)).toBe(partition);
    for (const name of ["", "due#4", "due#poll#32", "due#other#0"]) expect(duePartition(name)).toBeUndefined();
  });
});

describe("the slice of an entry", () => {
  const slice = (ref: DueRef) => sliceOf(ref, 1_000);
  const expected = (id: string) => (hashOf(id) >>> 16) % 1_000;

  it("follows from the id of its flow, app or account, so the rows of a flow are together", () => {
    const deliveryId = deliveryIdOf({ flowId: FLOW, subject: "flow", name: "completed", listener: "hook" });
    for (const ref of [
      { kind: "flow", flowId: FLOW },
      { kind: "task", flowId: FLOW, path: "0-1" },
      { kind: "delivery", deliveryId },
    ] as const) {
      expect(slice(ref), ref.kind).toBe(expected(FLOW));
    }
    expect(slice({ kind: "credit", appId: "app_1" })).toBe(expected("app_1"));
    expect(slice({ kind: "replay", appId: "app_1", replayId: "r" })).toBe(expected("app_1"));
    expect(slice({ kind: "endpoint", appId: "app_1", endpointId: "e" })).toBe(expected("app_1"));
    expect(slice({ kind: "waitList", provider: "sim", account: "a" })).toBe(expected("sim/a"));
    expect(slice({ kind: "delivery", deliveryId: "damaged" })).toBe(expected(""));
  });

  it("uses other bits than the shard: the entries of one partition are spread over all slices", () => {
    const inShard = FLOWS.filter((id) => hashOf(id) % 4 === 0);
    expect(new Set(inShard.map((flowId) => sliceOf({ kind: "flow", flowId }, 4))).size).toBe(4);
  });
});
