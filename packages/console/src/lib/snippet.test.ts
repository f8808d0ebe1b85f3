import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cliOf, curlOf, quoted, sdkOf } from "./snippet.ts";

test("a shell passes a quoted text on unchanged, whatever characters the text contains", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 20 }), (values) => {
      const all = ["$(id)", "`id`", "it's", '"', "\\", "!x", ...values].map((value) => `.${value}`);
      const output = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${all.map(quoted).join(" ")}`], {
        encoding: "utf8",
      });
      expect(output.split("\0").slice(0, -1)).toEqual(all);
    }),
    { numRuns: 20 },
  );
});

test("the CLI snippet writes a plan as one path of presses for each leaf", () => {
  const then = [
    { press: ["U1", "U3"] },
    { press: "U2", then: [{ press: "zoom:custom", prompt: 'a "boat"' }, { press: "pan:up" }] },
  ];
  expect(cliOf({ provider: "simulator", prompt: "a boat", then })).toBe(
    `npm run mjflow -- imagine 'a boat' \\
  --provider 'simulator' \\
  --then 'U1,U3' \\
  --then 'U2>zoom:custom="a \\"boat\\""' \\
  --then 'U2>pan:up'`,
  );
});

test("there is no CLI snippet if the command line cannot express the whole request", () => {
  const base = { provider: "simulator", prompt: "a boat" };
  expect(cliOf({ ...base, then: [{ press: "a,b" }] })).toBeUndefined();
  expect(
    cliOf({ ...base, then: [{ press: "vary:region", modal: { maskBase64: "data:image/png;base64,AA" } }] }),
  ).toBeUndefined();
  expect(cliOf({ provider: "simulator", action: "describe" })).toBeUndefined();
});

test("no snippet contains an API key: curl uses a shell variable and the SDK uses the environment", () => {
  const input = { provider: "simulator", prompt: "a boat" };
  expect(curlOf(input, "https://mjflow.example.com")).toContain('"Authorization: Bearer $KEY"');
  expect(sdkOf(input)).not.toMatch(/apiKey/);
});
