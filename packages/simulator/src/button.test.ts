import { describe, expect, test } from "vitest";
import { buttonsOf, pressOf, type Row } from "./button.ts";
import type { ResultKind, Task } from "./task.ts";

const JOB = "7c1f0b52-3d84-4e19-9a6d-51b0e2f7c8a3";

const done = (result: ResultKind, index = 0) => ({ status: "SUCCESS", result, index, jobId: JOB }) as Task;

describe("buttons", () => {
  test("a grid has nine buttons in the order of Discord", () => {
    const row = buttonsOf(done("grid"), "v6", 2);
    expect(row.map((button) => button.label || button.emoji)).toEqual([
      "U1",
      "U2",
      "U3",
      "U4",
      "🔄",
      "V1",
      "V2",
      "V3",
      "V4",
    ]);
    expect(row[0]).toEqual({ customId: `MJ::JOB::upsample::1::${JOB}`, emoji: "", label: "U1", type: 2, style: 2 });
    expect(row[4]?.customId).toBe(`MJ::JOB::reroll::0::${JOB}::SOLO`);
  });

  test("a single image has the buttons of its model: 13 at plus, 15 with animate", () => {
    expect(buttonsOf(done("single"), "v6", 2)).toHaveLength(13);
    expect(buttonsOf(done("single"), "v6+video", 2)).toHaveLength(15);
    expect(buttonsOf(done("single"), "v7", 2)).toHaveLength(15);
  });

  test("every button except the heart has a press", () => {
    const results: [ResultKind, number][] = [
      ["grid", 0],
      ["single", 1],
      ["video", 0],
      ["video", 2],
      ["describe", 0],
      ["shorten", 0],
    ];
    for (const [result, index] of results) {
      for (const row of ["v6", "v6+video", "v7"] satisfies Row[]) {
        for (const { customId } of buttonsOf(done(result, index), row, 2)) {
          expect(pressOf(customId) !== undefined, customId).toBe(!customId.includes("BOOKMARK"));
        }
      }
    }
  });

  test("an unfinished task has no buttons", () => {
    expect(buttonsOf({ ...done("grid"), status: "IN_PROGRESS" }, "v6", 2)).toEqual([]);
  });
});

describe("pressOf", () => {
  test.each([
    [`MJ::JOB::upsample::3::${JOB}`, "UPSCALE", "never", 3],
    [`MJ::JOB::variation::2::${JOB}`, "VARIATION", "remix", 2],
    [`MJ::JOB::reroll::0::${JOB}::SOLO`, "REROLL", "remix", 0],
    [`MJ::JOB::upsample_v5_4x::1::${JOB}::SOLO`, "UPSCALE", "never", 0],
    [`MJ::JOB::upsample_v7_2x_creative::1::${JOB}::SOLO`, "UPSCALE", "never", 0],
    [`MJ::Inpaint::1::${JOB}::SOLO`, "INPAINT", "always", 0],
    [`MJ::CustomZoom::${JOB}`, "CUSTOM_ZOOM", "always", 0],
    [`MJ::CustomZoom::1::${JOB}`, "CUSTOM_ZOOM", "always", 0],
    [`MJ::Outpaint::50::1::${JOB}::SOLO`, "ZOOM", "never", 0],
    [`MJ::JOB::pan_left::1::${JOB}::SOLO`, "PAN", "remix", 0],
    ["MJ::Job::PicReader::4", "IMAGINE", "always", 4],
    ["MJ::Job::PromptAnalyzer::5", "IMAGINE", "always", 5],
    [`MJ::JOB::animate_low_extend::1::${JOB}`, "VIDEO", "remix", 0],
    [`MJ::JOB::animate_high::3::${JOB}::SOLO`, "VIDEO", "remix", 0],
  ])("the customId %s gives the action %s with modal %s", (customId, action, modal, index) => {
    expect(pressOf(customId)).toMatchObject({ action, modal, index });
  });

  test.each([
    "",
    "U1",
    `MJ::JOB::upsample::5::${JOB}`,
    `MJ::Job::upsample::1::${JOB}`,
    "MJ::JOB::upsample::1::no-uuid",
    `MJ::BOOKMARK::${JOB}`,
    `x MJ::JOB::upsample::1::${JOB}`,
  ])("the customId %s gives no press", (customId) => {
    expect(pressOf(customId)).toBeUndefined();
  });
});
