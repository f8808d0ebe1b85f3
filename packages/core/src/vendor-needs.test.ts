import { describe, expect, it } from "vitest";
import { isUnsupportedName } from "./button.ts";
import { findUnmetNeed, findUnsupportedPress, type VendorNeeds } from "./vendor-needs.ts";

const RELAY = {
  rootActions: ["imagine", "describe", "shorten", "swap-face"] as const,
  imageLinks: true,
  swapLinks: false,
  optionalFields: [],
  promptActions: [],
  modals: true,
  unsupportedPresses: ["describe", "shorten", "animate", "favourite", "zoom:custom"],
};
const FILMER = {
  ...RELAY,
  rootActions: ["video", "edit"] as const,
  optionalFields: ["videoType"] as const,
  promptActions: ["edit"] as const,
  unsupportedPresses: ["video"],
};
const unmet = (needs: Partial<VendorNeeds>) => findUnmetNeed({ action: "imagine", ...needs }, RELAY);
const inPlan = (press: string, action: VendorNeeds["action"] = "imagine") => unmet({ action, then: [{ press }] });

describe("what a flow needs of its vendor", () => {
  it("a root action that the vendor does not have is unmet, whatever the plan is", () => {
    expect(unmet({ action: "blend", then: [{ press: "animate:high" }] })).toEqual({ kind: "action" });
  });

  it("a link is unmet only if the vendor needs data URIs for this action", () => {
    expect(unmet({ linkField: "base64Array[0]" })).toBeUndefined();
    expect(unmet({ action: "swap-face", linkField: "sourceBase64" })).toEqual({ kind: "links", field: "sourceBase64" });
    expect(unmet({ action: "swap-face" })).toBeUndefined();
  });

  it.each([
    "animate:high",
    "Animate (Low motion)",
    "❤️",
    "favourite",
    "MJ::JOB::animate_low::1::x::SOLO",
    "zoom:custom",
  ])("the press %s is unmet by its name, its label or its customId", (press) =>
    expect(inPlan(press)).toEqual({ kind: "press", field: "then[0].press", press }),
  );

  it.each(["U1", "upscale:all", "zoom:2", "reroll", "tile:2", "Remaster", "MJ::Remaster::1::x"])(
    "the press %s is met, because nothing says that the vendor cannot make it",
    (press) => expect(inPlan(press)).toBeUndefined(),
  );

  it("every button below a text result is unmet if the vendor knows none of them", () => {
    expect(inPlan("1️⃣", "describe")).toMatchObject({ kind: "press", press: "1️⃣" });
    expect(inPlan("Imagine all", "describe")).toMatchObject({ kind: "press" });
    expect(inPlan("2️⃣", "shorten")).toMatchObject({ kind: "press" });
    expect(inPlan("1️⃣")).toBeUndefined();
    const can = { unsupportedPresses: ["describe"], modals: true };
    expect(findUnsupportedPress([{ press: "1️⃣" }], can, "describe:retry")).toBeDefined();
    expect(findUnsupportedPress([{ press: "1️⃣" }], can, "describe:1")).toBeUndefined();
    // mjflow cuts a tile itself, whatever the vendor knows.
    expect(findUnsupportedPress([{ press: "tile:1" }], can, "describe")).toBeUndefined();
  });

  it("a field that the vendor would ignore is unmet, the first of several", () => {
    const needs = { action: "video", optionalFields: ["videoType", "loop", "endImage"] } as const;
    expect(findUnmetNeed(needs, FILMER)).toEqual({ kind: "field", field: "loop" });
    expect(findUnmetNeed({ ...needs, optionalFields: ["videoType"] }, FILMER)).toBeUndefined();
    expect(findUnmetNeed({ action: "video" }, FILMER)).toBeUndefined();
  });

  it("a prompt is unmet only for actions that need one at this vendor", () => {
    expect(findUnmetNeed({ action: "edit" }, FILMER)).toEqual({ kind: "prompt" });
    expect(findUnmetNeed({ action: "edit", hasPrompt: true }, FILMER)).toBeUndefined();
    expect(findUnmetNeed({ action: "video", hasPrompt: false }, FILMER)).toBeUndefined();
  });

  it.each(["animate:high", "extend:low:2", "MJ::JOB::animate_low::1::x::SOLO"])(
    "the selection below %s is the selection of a video, by each of its names",
    (press) => {
      const can = { unsupportedPresses: ["video"], modals: true };
      for (const selection of ["U2", "upscale:2", "video:2"]) {
        const then = [{ press, then: [{ press: selection }] }];
        expect(findUnsupportedPress(then, can), selection).toMatchObject({ field: "then[0].then[0].press" });
      }
      expect(findUnsupportedPress([{ press, then: [{ press: "upscale:subtle" }] }], can)).toBeUndefined();
    },
  );

  it("a video that was selected or made again is still a video, and an image is none", () => {
    const can = { unsupportedPresses: ["video:2"], modals: true };
    const below = (first: string, root?: string) =>
      findUnsupportedPress([{ press: first, then: [{ press: "U2" }] }], can, root) !== undefined;
    expect(below("U1", "video")).toBe(true);
    expect(below("reroll", "video")).toBe(true);
    expect(below("zoom:2", "video")).toBe(false);
    expect(below("U1", "imagine")).toBe(false);
    expect(below("reroll", "imagine")).toBe(false);
    expect(below("U1")).toBe(false);
    expect(findUnsupportedPress([{ press: "U2" }], can, "video")).toBeDefined();
    expect(findUnsupportedPress([{ press: "U2" }], can, "edit")).toBeUndefined();
  });

  it("a press with a prompt or mask is unmet if the vendor takes no modal answers, whatever the button is", () => {
    const can = { ...FILMER, rootActions: ["imagine"] as const, modals: false };
    const inNode = (node: object) =>
      findUnmetNeed({ action: "imagine", then: [{ press: ["U1", "V1"], ...node }] }, can);
    expect(inNode({ prompt: "x" })).toEqual({ kind: "press", field: "then[0].prompt", press: "U1" });
    expect(inNode({ modal: {} })).toEqual({ kind: "press", field: "then[0].modal", press: "U1" });
    expect(inNode({ then: [{ press: "V1", modal: { prompt: "x" } }] })).toMatchObject({
      field: "then[0].then[0].modal",
    });
    expect(inNode({})).toBeUndefined();
    const takes = { ...can, modals: true };
    expect(findUnmetNeed({ action: "imagine", then: [{ press: "V1", prompt: "x" }] }, takes)).toBeUndefined();
  });

  it("a prompt on a press is unmet if the vendor takes modal answers only for other presses", () => {
    const can = { ...RELAY, modalPresses: ["vary:region"] };
    const needs = (press: string) =>
      findUnmetNeed({ action: "imagine", then: [{ press, modal: { prompt: "x" } }] }, can);
    expect(needs("vary:region")).toBeUndefined();
    expect(needs("Vary (Region)")).toBeUndefined();
    expect(needs("V1")).toEqual({ kind: "press", field: "then[0].modal", press: "V1" });
  });

  it("a mode is unmet if the vendor does not have it", () => {
    const can = { ...RELAY, modes: ["fast", "turbo"] as const };
    expect(findUnmetNeed({ action: "imagine", mode: "relax" }, can)).toEqual({ kind: "mode", mode: "relax" });
    expect(findUnmetNeed({ action: "imagine", mode: "turbo" }, can)).toBeUndefined();
    expect(findUnmetNeed({ action: "imagine" }, can)).toBeUndefined();
  });

  it("a data URI is unmet for the actions whose images must be links", () => {
    const can = { ...RELAY, linksOnly: ["imagine"] as const };
    const needs = { action: "imagine", dataField: "base64Array[1]" } as const;
    expect(findUnmetNeed(needs, can)).toEqual({ kind: "data", field: "base64Array[1]" });
    expect(findUnmetNeed({ ...needs, action: "describe" }, can)).toBeUndefined();
    expect(findUnmetNeed({ action: "imagine", linkField: "base64Array[0]" }, can)).toBeUndefined();
  });

  it("the field names the place in the plan as the app wrote it", () => {
    const then = [{ press: "U1" }, { press: ["upscale:all", "V1"], then: [{ press: ["zoom:2", "animate:low"] }] }];
    expect(unmet({ then })).toEqual({ kind: "press", field: "then[1].then[0].press", press: "animate:low" });
  });

  it("a first part stands for all its names, and a whole name only for itself", () => {
    expect(["describe:1", "describe:all", "describe"].map((name) => isUnsupportedName(name, ["describe"]))).toEqual([
      true,
      true,
      true,
    ]);
    expect(isUnsupportedName("describe:1", ["describe:all"])).toBe(false);
    expect(isUnsupportedName(undefined, ["describe"])).toBe(false);
  });
});
