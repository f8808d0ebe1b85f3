import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  childPath,
  crockford,
  depthOf,
  flowIdOf,
  isFlowId,
  isPlannedChild,
  parentPath,
  parseTaskId,
  ROOT_PATH,
  taskIdOf,
} from "./id.ts";

const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const segment = fc.oneof(fc.nat(199).map(String), fc.stringMatching(/^m[0-9A-Z]{8}$/));
const path = fc.array(segment, { maxLength: 8 }).map((segments) => segments.reduce(childPath, ROOT_PATH));

describe("flow id", () => {
  it.each([
    // Test vectors of the ULID specification and of its first implementation.
    [1469918176385, "01ARYZ6S41"],
    [1469922850259, "01ARZ3NDEK"],
    [0, "0000000000"],
    [2 ** 48 - 1, "7ZZZZZZZZZ"],
  ])("flowIdOf encodes the time %d like a ULID: %s", (at, text) => {
    expect(flowIdOf(at, new Uint8Array(10))).toBe(`flow_${text}0000000000000000`);
  });

  it("flowIdOf encodes the random bytes like a ULID", () => {
    expect(flowIdOf(0, new Uint8Array(10).fill(255))).toBe("flow_0000000000ZZZZZZZZZZZZZZZZ");
  });

  it("flow ids sort by time, whatever the random bytes are", () => {
    fc.assert(
      fc.property(time, time, random, random, (a, b, x, y) => {
        if (a < b) expect(flowIdOf(a, x) < flowIdOf(b, y)).toBe(true);
      }),
    );
  });

  it("isFlowId accepts every flow id and rejects other texts", () => {
    fc.assert(fc.property(time, random, (at, x) => isFlowId(flowIdOf(at, x))));
    const good = flowIdOf(1469918176385, new Uint8Array(10));
    for (const bad of [
      "",
      "flow_",
      good.toLowerCase(),
      `${good}0`,
      good.slice(0, -1),
      good.replace(/0$/, "U"),
      `${good}\n`,
    ]) {
      expect(isFlowId(bad), bad).toBe(false);
    }
  });

  it("flowIdOf throws if it gets fewer than 10 random bytes", () => {
    expect(() => flowIdOf(0, new Uint8Array(9))).toThrow(new RangeError("an id needs 10 random bytes"));
  });
});

describe("crockford", () => {
  it.each([
    [[], ""],
    [[0], "00"],
    [[255], "ZW"],
    [[0, 0, 0, 0, 0], "00000000"],
    [[255, 255, 255, 255, 255], "ZZZZZZZZ"],
    [[...new TextEncoder().encode("foobar")], "CSQPYRK1E8"],
    [[...new TextEncoder().encode("fo")], "CSQG"],
  ] as [number[], string][])("%j is encoded as '%s'", (bytes, text) =>
    expect(crockford(Uint8Array.from(bytes))).toBe(text),
  );

  it("different inputs of the same length have different encodings", () => {
    fc.assert(
      fc.property(random, random, (a, b) => {
        expect(crockford(a) === crockford(b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});

describe("task id", () => {
  it("parseTaskId returns the flow id and path that the task id was built from", () => {
    fc.assert(
      fc.property(time, random, path, (at, x, taskPath) => {
        const flowId = flowIdOf(at, x);
        const id = taskIdOf(flowId, taskPath);
        expect(parseTaskId(id)).toEqual({ flowId, path: taskPath });
        expect(id).toMatch(/^[0-9A-Za-z_-]+$/);
      }),
    );
  });

  it("parseTaskId returns undefined for other texts and never throws", () => {
    const ulid = "01K9ZC7T3R8M2V5X0Q4B6N1JHD";
    for (const bad of ["1", "0-", "0-1234", "0--1", "-0", "00", "0-m", "0-x", "0/1", "0-1 ", ""]) {
      expect(parseTaskId(`task_${ulid}_${bad}`), bad).toBeUndefined();
    }
    fc.assert(fc.property(fc.string(), (text) => parseTaskId(text) === undefined));
  });
});

describe("lineage", () => {
  it("parent, depth and planned children follow from the path of a child", () => {
    fc.assert(
      fc.property(path, segment, (parent, last) => {
        const child = childPath(parent, last);
        expect(parentPath(child)).toBe(parent);
        expect(depthOf(child)).toBe(depthOf(parent) + 1);
        expect(isPlannedChild(child, parent)).toBe(!last.startsWith("m"));
        expect(isPlannedChild(childPath(child, 0), parent)).toBe(false);
      }),
    );
    expect(parentPath(ROOT_PATH)).toBeUndefined();
    expect(depthOf(ROOT_PATH)).toBe(0);
    expect(isPlannedChild("0-12-1", "0-1")).toBe(false);
  });
});
