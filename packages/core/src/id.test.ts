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

describe("a flow's id", () => {
  it.each([
    // The vectors of the ULID specification and of its first implementation.
    [1469918176385, "01ARYZ6S41"],
    [1469922850259, "01ARZ3NDEK"],
    [0, "0000000000"],
    [2 ** 48 - 1, "7ZZZZZZZZZ"],
  ])("writes time %d as a ULID does: %s", (at, text) => {
    expect(flowIdOf(at, new Uint8Array(10))).toBe(`flow_${text}0000000000000000`);
  });

  it("writes chance as a ULID does", () => {
    expect(flowIdOf(0, new Uint8Array(10).fill(255))).toBe("flow_0000000000ZZZZZZZZZZZZZZZZ");
  });

  it("sorts by time, whatever the chance", () => {
    fc.assert(
      fc.property(time, time, random, random, (a, b, x, y) => {
        if (a < b) expect(flowIdOf(a, x) < flowIdOf(b, y)).toBe(true);
      }),
    );
  });

  it("is known for one; its own forms only", () => {
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

  it("is not made of less chance than promised", () => {
    expect(() => flowIdOf(0, new Uint8Array(9))).toThrow(new RangeError("flowIdOf needs 10 random bytes"));
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
  ] as [number[], string][])("%j is %s", (bytes, text) => expect(crockford(Uint8Array.from(bytes))).toBe(text));

  it("keeps every byte: two different inputs of a length never meet", () => {
    fc.assert(
      fc.property(random, random, (a, b) => {
        expect(crockford(a) === crockford(b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});

describe("a task's id", () => {
  it("says its flow and its place, both ways", () => {
    fc.assert(
      fc.property(time, random, path, (at, x, place) => {
        const flowId = flowIdOf(at, x);
        const id = taskIdOf(flowId, place);
        expect(parseTaskId(id)).toEqual({ flowId, path: place });
        expect(id).toMatch(/^[0-9A-Za-z_-]+$/);
      }),
    );
  });

  it("is refused in any other form, and never throws", () => {
    const ulid = "01K9ZC7T3R8M2V5X0Q4B6N1JHD";
    for (const bad of ["1", "0-", "0-1234", "0--1", "-0", "00", "0-m", "0-x", "0/1", "0-1 ", ""]) {
      expect(parseTaskId(`task_${ulid}_${bad}`), bad).toBeUndefined();
    }
    fc.assert(fc.property(fc.string(), (text) => parseTaskId(text) === undefined));
  });
});

describe("lineage", () => {
  it("a child knows its parent and its depth", () => {
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
