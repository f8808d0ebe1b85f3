import { describe, expect, it } from "vitest";
import { MjflowError } from "./error.ts";
import { REQUEST } from "./limit.ts";
import { countPresses, type Masks, storedModal, storedPlan } from "./plan.ts";
import type { PlanInput } from "./request.ts";

const MASK = "data:image/png;base64,AAAA";
const masks = (): Masks => ({ ref: "task_x", images: [] });
const stored = (input: PlanInput[], into = masks()) => storedPlan(input, into);
const nested = (depth: number): PlanInput => ({ press: "U1", ...(depth > 1 && { then: [nested(depth - 1)] }) });

function errorOf(input: PlanInput[]): MjflowError {
  try {
    stored(input);
  } catch (error) {
    if (error instanceof MjflowError) return error;
    throw error;
  }
  throw new Error("the plan was accepted");
}

describe("storedPlan", () => {
  it("a stored plan has one button per node, with lists and 'all' expanded in order", () => {
    expect(stored([{ press: ["U1", "V2"] }, { press: "upscale:all", then: [] }].slice(0, 1))).toEqual([
      { press: "U1" },
      { press: "V2" },
    ]);
    expect(stored([{ press: "variation:all" }]).map((node) => node.press)).toEqual(
      [1, 2, 3, 4].map((n) => `variation:${n}`),
    );
  });

  it("each button of a list gets the same follow-ups, and an empty 'then' is left out", () => {
    const plan = stored([{ press: ["U1", "U2"], then: [{ press: "zoom:2", then: [] }] }]);
    expect(plan).toEqual([
      { press: "U1", then: [{ press: "zoom:2" }] },
      { press: "U2", then: [{ press: "zoom:2" }] },
    ]);
    expect(countPresses(plan)).toBe(4);
    expect(countPresses(undefined)).toBe(0);
  });

  it("a mask is moved out of the plan once, and every button that needs it references it", () => {
    const into = masks();
    const plan = stored([{ press: ["Vary (Region)", "zoom:custom"], modal: { maskBase64: MASK, prompt: "p" } }], into);
    expect(into.images).toEqual([MASK]);
    expect(plan[0]?.modal).toEqual({ prompt: "p", mask: { ref: "task_x", index: 0 } });
    expect(plan[1]?.modal).toEqual(plan[0]?.modal);
    expect(JSON.stringify(plan)).not.toContain("base64");
  });

  it("storedPlan does not change its input", () => {
    const input = Object.freeze([Object.freeze({ press: "U1", then: Object.freeze([{ press: "V1" }]) })]);
    expect(() => stored(input as unknown as PlanInput[])).not.toThrow();
  });
});

describe("storedModal", () => {
  it("a modal answer is undefined, empty, a prompt, a mask or both, and modal.prompt overrides prompt", () => {
    expect(storedModal({}, masks())).toBeUndefined();
    expect(storedModal({ modal: {} }, masks())).toEqual({});
    expect(storedModal({ prompt: "p" }, masks())).toEqual({ prompt: "p" });
    expect(storedModal({ prompt: "p", modal: { prompt: "q" } }, masks())).toEqual({ prompt: "q" });
    const into: Masks = { ref: "r", images: ["earlier"] };
    expect(storedModal({ modal: { maskBase64: MASK } }, into)).toStrictEqual({ mask: { ref: "r", index: 1 } });
  });

  it("a modal answer without a mask adds no mask", () => {
    const into = masks();
    storedModal({ modal: { prompt: "p" } }, into);
    expect(into.images).toEqual([]);
  });
});

describe("P4: a button is pressed once per task", () => {
  it.each([
    [[{ press: "U1" }, { press: "upscale:1" }], "then[1].press"],
    [[{ press: ["u1", "U1"] }], "then[0].press"],
    [[{ press: "upscale:all" }, { press: "U3" }], "then[1].press"],
    [[{ press: "U1", then: [{ press: "🔄" }, { press: "reroll" }] }], "then[0].then[1].press"],
  ] as [PlanInput[], string][])("%j is rejected with the field of the repeated press", (input, field) => {
    expect(errorOf(input)).toMatchObject({ code: "invalid_request", status: 400, retry: "never", field });
  });

  it("the error message contains the press as the app wrote it", () => {
    expect(errorOf([{ press: ["u1", "U1"] }]).message).toBe('The plan presses "U1" twice on the same task.');
  });

  it("the same press on a different task is allowed", () => {
    expect(
      stored([
        { press: "V1", then: [{ press: "V1" }] },
        { press: "V2", then: [{ press: "V1" }] },
      ]),
    ).toHaveLength(2);
  });
});

describe("limits of a plan", () => {
  it("a plan that is too deep is rejected", () => {
    expect(stored([nested(REQUEST.planDepth)])).toHaveLength(1);
    expect(errorOf([nested(REQUEST.planDepth + 1)]).message).toContain("deep");
  });

  it("a plan with too many presses over all levels is rejected", () => {
    const wide = (n: number): PlanInput[] => Array.from({ length: n }, (_, i) => ({ press: `label ${i}` }));
    expect(countPresses(stored(wide(REQUEST.planPresses)))).toBe(REQUEST.planPresses);
    expect(errorOf(wide(REQUEST.planPresses + 1)).message).toContain("presses");
    expect(errorOf([{ press: "upscale:all", then: wide(50) }]).message).toContain("presses");
  });

  it("a stored plan with too many bytes is rejected, and an emoji counts as four bytes", () => {
    const prompt = "🐈".repeat(4_000);
    expect(errorOf(Array.from({ length: 7 }, (_, i) => ({ press: `x${i}`, prompt }))).message).toContain("bytes");
    const bare = JSON.stringify([{ press: "V1", modal: { prompt: "" } }]).length;
    const full = "x".repeat(REQUEST.planBytes - bare);
    expect(stored([{ press: "V1", prompt: full }])).toHaveLength(1);
    expect(errorOf([{ press: "V1", prompt: `${full}x` }]).message).toContain("bytes");
  });
});

it.each([
  [{ press: "U1", prompt: "x" }, "then[0].prompt", "U1"],
  [{ press: "zoom:2", modal: { prompt: "x" } }, "then[0].modal", "zoom:2"],
  [{ press: ["V1", "upscale:2"], prompt: "x" }, "then[0].prompt", "upscale:2"],
  [{ press: "V1", then: [{ press: "tile:all", prompt: "x" }] }, "then[0].then[0].prompt", "tile:1"],
])("the prompt in %j is rejected at %s, because its button never opens a modal", (node, field, press) => {
  const plan = () => storedPlan([node], { ref: "r", images: [] });
  expect(plan).toThrow(expect.objectContaining({ code: "invalid_request", field }));
  expect(plan).toThrow(`${field}: "${press}" never opens a modal`);
});

it.each(["V1", "reroll", "vary:region", "pan:left", "animate:low", "describe:1", "Enhance"])(
  "a prompt for %s is stored, because its button can open a modal",
  (press) => {
    expect(storedPlan([{ press, prompt: "x" }], { ref: "r", images: [] })).toEqual([{ press, modal: { prompt: "x" } }]);
  },
);
