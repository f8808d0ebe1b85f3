import { describe, expect, test } from "vitest";
import { parseThen } from "./plan.ts";
import { UsageError } from "./usage-error.ts";

test.each([
  ["a single button", ["U1"], [{ press: "U1" }]],
  ["a path", ["U2>zoom:2"], [{ press: "U2", then: [{ press: "zoom:2" }] }]],
  [
    "a path of three presses with spaces",
    [" U2 > zoom:2 > pan:left "],
    [{ press: "U2", then: [{ press: "zoom:2", then: [{ press: "pan:left" }] }] }],
  ],
  ["two presses of one task", ["U1,U3"], [{ press: "U1" }, { press: "U3" }]],
  [
    "two presses and the same press on each result",
    ["U1,U2>zoom:2"],
    [
      { press: "U1", then: [{ press: "zoom:2" }] },
      { press: "U2", then: [{ press: "zoom:2" }] },
    ],
  ],
  ["a label with spaces and brackets", ["U1>Vary (Strong)"], [{ press: "U1", then: [{ press: "Vary (Strong)" }] }]],
  ["a prompt", ["V2=a boat at night"], [{ press: "V2", prompt: "a boat at night" }]],
  ["a prompt that contains =", ["V2=a=b"], [{ press: "V2", prompt: "a=b" }]],
  [
    "a quoted prompt that contains every separator",
    ['V2="a > b, \\"c\\" = d">U1'],
    [{ press: "V2", prompt: 'a > b, "c" = d', then: [{ press: "U1" }] }],
  ],
  ["no path", [], []],
])("parseThen parses %s", (_, paths, plan) => {
  expect(parseThen(paths)).toEqual(plan);
});

describe("parseThen: several paths form one plan without duplicate presses", () => {
  test("a second path adds a press to one of the presses of upscale:all", () => {
    expect(parseThen(["upscale:all", "U2>zoom:2"])).toEqual([
      { press: "upscale:1" },
      { press: "upscale:2", then: [{ press: "zoom:2" }] },
      { press: "upscale:3" },
      { press: "upscale:4" },
    ]);
  });

  test("paths are merged in any order and for every spelling of a press", () => {
    const [first, second] = [parseThen(["U2>zoom:2", "u2>zoom:1.5"]), parseThen(["upscale:2>zoom:2,zoom:1.5"])];
    expect(first).toEqual([{ press: "U2", then: [{ press: "zoom:2" }, { press: "zoom:1.5" }] }]);
    expect(second).toEqual([{ ...first[0], press: "upscale:2" }]);
  });

  test("a prompt in one of two merged paths is kept, and two different prompts are rejected", () => {
    expect(parseThen(["V1=at night", "V1>U1"])).toEqual([{ press: "V1", prompt: "at night", then: [{ press: "U1" }] }]);
    expect(() => parseThen(["V1=at night", "V1=by day"])).toThrow(UsageError);
  });
});

test.each(["", ">", "U1>", ">U1", "U1,,U2", "=night"])("a path with a missing press is rejected: %j", (path) => {
  expect(() => parseThen([path])).toThrow(/a press is missing/);
});
