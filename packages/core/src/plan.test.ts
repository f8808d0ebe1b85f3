import { describe, expect, it } from "vitest";
import { MjflowError } from "./error.ts";
import { REQUEST } from "./limit.ts";
import { countPresses, type Masks, storedModal, storedPlan } from "./plan.ts";
import type { PlanInput } from "./request.ts";

const MASK = "data:image/png;base64,AAAA";
const masks = (): Masks => ({ ref: "task_x", images: [] });
const stored = (input: PlanInput[], into = masks()) => storedPlan(input, into);
const nested = (depth: number): PlanInput => ({ press: "U1", ...(depth > 1 && { then: [nested(depth - 1)] }) });

function refused(input: PlanInput[]): MjflowError {
  try {
    stored(input);
  } catch (error) {
    if (error instanceof MjflowError) return error;
    throw error;
  }
  throw new Error("the plan was accepted");
}

describe("a stored plan", () => {
  it("is one button per node, a list and 'all' unfolded in order", () => {
    expect(stored([{ press: ["U1", "V2"] }, { press: "upscale:all", then: [] }].slice(0, 1))).toEqual([
      { press: "U1" },
      { press: "V2" },
    ]);
    expect(stored([{ press: "variation:all" }]).map((node) => node.press)).toEqual(
      [1, 2, 3, 4].map((n) => `variation:${n}`),
    );
  });

  it("follows each button of a list with the same plan, and keeps no empty one", () => {
    const plan = stored([{ press: ["U1", "U2"], then: [{ press: "zoom:2", then: [] }] }]);
    expect(plan).toEqual([
      { press: "U1", then: [{ press: "zoom:2" }] },
      { press: "U2", then: [{ press: "zoom:2" }] },
    ]);
    expect(countPresses(plan)).toBe(4);
    expect(countPresses(undefined)).toBe(0);
  });

  it("holds no mask: it is moved out once, and named by every button that needs it", () => {
    const into = masks();
    const plan = stored([{ press: ["Vary (Region)", "zoom:custom"], modal: { maskBase64: MASK, prompt: "p" } }], into);
    expect(into.images).toEqual([MASK]);
    expect(plan[0]?.modal).toEqual({ prompt: "p", mask: { ref: "task_x", index: 0 } });
    expect(plan[1]?.modal).toEqual(plan[0]?.modal);
    expect(JSON.stringify(plan)).not.toContain("base64");
  });

  it("does not change what it was given", () => {
    const input = Object.freeze([Object.freeze({ press: "U1", then: Object.freeze([{ press: "V1" }]) })]);
    expect(() => stored(input as unknown as PlanInput[])).not.toThrow();
  });
});

describe("an answer to a window", () => {
  it("is absent, empty, a prompt, a mask, or both; modal's prompt comes first", () => {
    expect(storedModal({}, masks())).toBeUndefined();
    expect(storedModal({ modal: {} }, masks())).toEqual({});
    expect(storedModal({ prompt: "p" }, masks())).toEqual({ prompt: "p" });
    expect(storedModal({ prompt: "p", modal: { prompt: "q" } }, masks())).toEqual({ prompt: "q" });
    const into: Masks = { ref: "r", images: ["earlier"] };
    expect(storedModal({ modal: { maskBase64: MASK } }, into)).toStrictEqual({ mask: { ref: "r", index: 1 } });
  });

  it("without a mask stores none", () => {
    const into = masks();
    storedModal({ modal: { prompt: "p" } }, into);
    expect(into.images).toEqual([]);
  });
});

describe("P4: a button is pressed once per plan", () => {
  it.each([
    [[{ press: "U1" }, { press: "upscale:1" }], "then[1].press"],
    [[{ press: ["u1", "U1"] }], "then[0].press"],
    [[{ press: "upscale:all" }, { press: "U3" }], "then[1].press"],
    [[{ press: "U1", then: [{ press: "🔄" }, { press: "reroll" }] }], "then[0].then[1].press"],
  ] as [PlanInput[], string][])("%j is refused at its field", (input, field) => {
    expect(refused(input)).toMatchObject({ code: "invalid_request", status: 400, retry: "never", field });
  });

  it("the refusal names the button as the app spelt it", () => {
    expect(refused([{ press: ["u1", "U1"] }]).message).toBe('"U1" is pressed twice on the same task.');
  });

  it("the same button of another task is another button", () => {
    expect(
      stored([
        { press: "V1", then: [{ press: "V1" }] },
        { press: "V2", then: [{ press: "V1" }] },
      ]),
    ).toHaveLength(2);
  });
});

describe("what one request can spend is bounded", () => {
  it("in depth", () => {
    expect(stored([nested(REQUEST.planDepth)])).toHaveLength(1);
    expect(refused([nested(REQUEST.planDepth + 1)]).message).toContain("deep");
  });

  it("in presses, over all depths", () => {
    const wide = (n: number): PlanInput[] => Array.from({ length: n }, (_, i) => ({ press: `label ${i}` }));
    expect(countPresses(stored(wide(REQUEST.planPresses)))).toBe(REQUEST.planPresses);
    expect(refused(wide(REQUEST.planPresses + 1)).message).toContain("presses");
    expect(refused([{ press: "upscale:all", then: wide(50) }]).message).toContain("presses");
  });

  it("in bytes as stored, emoji counted as they are", () => {
    const prompt = "🐈".repeat(4_000);
    expect(refused(Array.from({ length: 7 }, (_, i) => ({ press: `x${i}`, prompt }))).message).toContain("bytes");
    const bare = JSON.stringify([{ press: "U1", modal: { prompt: "" } }]).length;
    const full = "x".repeat(REQUEST.planBytes - bare);
    expect(stored([{ press: "U1", prompt: full }])).toHaveLength(1);
    expect(refused([{ press: "U1", prompt: `${full}x` }]).message).toContain("bytes");
  });
});
