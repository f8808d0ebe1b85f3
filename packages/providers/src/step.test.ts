import { readdirSync, readFileSync } from "node:fs";
import { needsWrite } from "@mjflow/core/report";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAnyCallback } from "./families/callback.ts";
import { READERS } from "./families/readers.ts";
import { isStep } from "./step.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const STEP = {
  id: "1765432109876123",
  action: "IMAGINE",
  status: "IN_PROGRESS",
  prompt: "纸船 on calm water",
  submitTime: 1_765_432_109_876,
  finishTime: null,
  progress: "31%",
  properties: { finalPrompt: "a paper boat --v 7.0", nonce: "1487000000000000512" },
};
const TEXT = JSON.stringify(STEP);
const asLatin1 = (text: string) => Buffer.from(text).toString("latin1");

describe("a step of progress", () => {
  test.each(readdirSync(FIXTURES).filter((name) => /^callback-(?:in-progress|submitted)/.test(name)))(
    "%s is recognized, as it is and in one line",
    (name) => {
      const text = readFileSync(new URL(name, FIXTURES), "utf8");
      expect(isStep("newapi", asLatin1(text))).toBe(true);
      expect(isStep("newapi", asLatin1(JSON.stringify(JSON.parse(text))))).toBe(true);
    },
  );

  test.each([
    ["the status comes first", '{"status":"SUBMITTED","id":"1"}'],
    ["the task has nothing but a status", '{"status":"NOT_START"}'],
    ["a server writes & as an escape", `{"id":"1","status":"IN_PROGRESS","imageUrl":"https://a.test/?b=1\\u0026c=2"}`],
    ["the end has a line break", `${TEXT}\n`],
  ])("%s: recognized", (_, text) => {
    expect(isStep("newapi", text)).toBe(true);
  });

  test.each([
    ["a step with a success inside", `${TEXT.slice(0, -1)},"task":{"id":"1","status":"SUCCESS"}}`],
    ["a success", TEXT.replace("IN_PROGRESS", "SUCCESS")],
    ["a modal", TEXT.replace("IN_PROGRESS", "MODAL")],
    ["an unknown status", TEXT.replace("IN_PROGRESS", "DREAMING")],
    ["a status in other letters", TEXT.replace("IN_PROGRESS", "in progress")],
    ["no status", TEXT.replace('"status"', '"state"')],
    ["a second status", `${TEXT.slice(0, -1)},"status":"SUCCESS"}`],
    ["a second status that is written with escapes", `${TEXT.slice(0, -1)},"st\\u0061tus":"SUCCESS"}`],
    ["a second status with a damaged escape", `${TEXT.slice(0, -1)},"st\\atus":"SUCCESS"}`],
    ["a second status with a cut escape", `${TEXT.slice(0, -1)},"st\\u00atus":"SUCCESS"}`],
    ["a status inside of a prompt", '{"prompt":"\\"status\\":\\"IN_PROGRESS\\"","status":"SUCCESS"}'],
    ["a status of an inner object", '{"event":"x","payload":{"id":"1","status":"IN_PROGRESS"}}'],
    ["a list", `[${TEXT}]`],
    ["a task that was encoded twice", JSON.stringify(TEXT)],
    ["a body that was cut off", TEXT.slice(0, -20)],
    ["a form", `task=${TEXT}`],
    ["UTF-16", Buffer.from(TEXT, "utf16le").toString("latin1")],
    ["an empty body", ""],
  ])("%s is left to the parser", (_, text) => {
    expect(isStep("newapi", text)).toBe(false);
  });

  test.each(Object.keys(READERS))("a callback of %s is left to the reader of its family", (provider) => {
    expect(isStep(provider, TEXT)).toBe(false);
  });

  test("whatever a body is, no step is one whose report has to be stored", () => {
    const statuses = ["IN_PROGRESS", "SUBMITTED", "NOT_START", "SUCCESS", "FAILURE", "MODAL", "done", "?"];
    const word = fc.constantFrom(...statuses).map((status) => JSON.stringify(status));
    const simple = fc.constantFrom("1", "null", "true", "[]", '"{"', '"}"', '"\\"status\\":\\"SUCCESS"');
    const name = fc.constantFrom("status", "id", "data", "result", "state", "st\\u0061tus", '\\"status');
    const inner = fc.tuple(name, word).map(([key, status]) => `{"id":"1","${key}":${status}}`);
    const field = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.constant("id"), simple) },
      { weight: 2, arbitrary: fc.tuple(fc.constant("status"), word) },
      { weight: 1, arbitrary: fc.tuple(name, fc.oneof(word, simple, inner)) },
    );
    const piece = fc.constantFrom("{", "}", '"', ",", '"status":"SUCCESS"', "\n", "[", "\\", '{"status":"SUCCESS"}');
    const damage = fc.option(fc.tuple(piece, fc.nat()), { freq: 3 });
    const text = fc.tuple(fc.array(field, { maxLength: 5 }), damage).map(([fields, damaged]) => {
      const whole = `{${fields.map(([key, own]) => `"${key}":${own}`).join(",")}}`;
      if (damaged === null) return whole;
      const cut = damaged[1] % (whole.length + 1);
      return whole.slice(0, cut) + damaged[0] + whole.slice(cut);
    });
    let steps = 0;
    fc.assert(
      fc.property(text, (body) => {
        if (!isStep("newapi", body)) return;
        steps++;
        const report = readAnyCallback("newapi", body);
        if (report !== undefined) expect(needsWrite(report as { status?: "SUCCESS" }), body).toBe(false);
      }),
      { numRuns: 3_000 },
    );
    // Otherwise the property would say nothing.
    expect(steps).toBeGreaterThan(50);
  });
});
