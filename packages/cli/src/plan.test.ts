import { describe, expect, test } from "vitest";
import { parseThen } from "./plan.ts";
import { UsageError } from "./usage-error.ts";

test.each([
  ["one button", ["U1"], [{ press: "U1" }]],
  ["a path", ["U2>zoom:2"], [{ press: "U2", then: [{ press: "zoom:2" }] }]],
  [
    "a deep path, spaces and all",
    [" U2 > zoom:2 > pan:left "],
    [{ press: "U2", then: [{ press: "zoom:2", then: [{ press: "pan:left" }] }] }],
  ],
  ["several at once", ["U1,U3"], [{ press: "U1" }, { press: "U3" }]],
  [
    "several, and the same on each",
    ["U1,U2>zoom:2"],
    [
      { press: "U1", then: [{ press: "zoom:2" }] },
      { press: "U2", then: [{ press: "zoom:2" }] },
    ],
  ],
  ["a label with spaces and brackets", ["U1>Vary (Strong)"], [{ press: "U1", then: [{ press: "Vary (Strong)" }] }]],
  ["a prompt", ["V2=a boat at night"], [{ press: "V2", prompt: "a boat at night" }]],
  ["a prompt with = in it", ["V2=a=b"], [{ press: "V2", prompt: "a=b" }]],
  [
    "a quoted prompt may hold every mark",
    ['V2="a > b, \\"c\\" = d">U1'],
    [{ press: "V2", prompt: 'a > b, "c" = d', then: [{ press: "U1" }] }],
  ],
  ["nothing", [], []],
])("--then: %s", (_, paths, plan) => {
  expect(parseThen(paths)).toEqual(plan);
});

describe("several paths are one plan, which presses nothing twice", () => {
  test("a button of upscale:all goes on by another path", () => {
    expect(parseThen(["upscale:all", "U2>zoom:2"])).toEqual([
      { press: "upscale:1" },
      { press: "upscale:2", then: [{ press: "zoom:2" }] },
      { press: "upscale:3" },
      { press: "upscale:4" },
    ]);
  });

  test("whichever comes first, and however it is spelled", () => {
    const [forth, back] = [parseThen(["U2>zoom:2", "u2>zoom:1.5"]), parseThen(["upscale:2>zoom:2,zoom:1.5"])];
    expect(forth).toEqual([{ press: "U2", then: [{ press: "zoom:2" }, { press: "zoom:1.5" }] }]);
    expect(back).toEqual([{ ...forth[0], press: "upscale:2" }]);
  });

  test("a prompt given once is kept; two different ones are a mistake", () => {
    expect(parseThen(["V1=at night", "V1>U1"])).toEqual([{ press: "V1", prompt: "at night", then: [{ press: "U1" }] }]);
    expect(() => parseThen(["V1=at night", "V1=by day"])).toThrow(UsageError);
  });
});

test.each(["", ">", "U1>", ">U1", "U1,,U2", "=night"])("a press that is missing is said: %j", (path) => {
  expect(() => parseThen([path])).toThrow(/a press is missing/);
});
