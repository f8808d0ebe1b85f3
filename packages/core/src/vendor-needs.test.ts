import { describe, expect, it } from "vitest";
import { isUnsupportedName } from "./button.ts";
import { findUnmetNeed, findUnsupportedPress, type VendorNeeds } from "./vendor-needs.ts";

const RELAY = {
  rootActions: ["imagine", "describe", "shorten", "swap-face"] as const,
  imageLinks: true,
  swapLinks: false,
  unsupportedPresses: ["describe", "shorten", "animate", "favourite", "zoom:custom"],
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
    const can = { unsupportedPresses: ["describe"] };
    expect(findUnsupportedPress([{ press: "1️⃣" }], can, "describe:retry")).toBeDefined();
    expect(findUnsupportedPress([{ press: "1️⃣" }], can, "describe:1")).toBeUndefined();
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
