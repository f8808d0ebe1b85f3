import { describe, expect, it } from "vitest";
import {
  actionOf,
  actionOfPress,
  type Button,
  canonicalButtonName,
  canonicalPress,
  expandPress,
  jobIdOf,
  modalKindOf,
  modalKindOfPress,
  needsModal,
  offeredLabels,
  resolvePress,
  tileNumberOf,
  videoNameOf,
} from "./button.ts";

const UUID = "3b1c2d4e-5f60-4718-9a2b-0c1d2e3f4a5b";

/** The customId, its press name, its action, and whether a modal always opens (docs/protocol.md 4.1 to 4.6). */
const GRAMMAR: [customId: string, name: string, action: string, modal?: "modal"][] = [
  ...[1, 2, 3, 4].flatMap((n): typeof GRAMMAR => [
    [`MJ::JOB::upsample::${n}::${UUID}`, `upscale:${n}`, "UPSCALE"],
    [`MJ::JOB::variation::${n}::${UUID}`, `variation:${n}`, "VARIATION"],
    [`MJ::JOB::video_virtual_upscale::${n}::${UUID}`, `video:${n}`, "UPSCALE"],
    [`MJ::Job::PicReader::${n}`, `describe:${n}`, "IMAGINE"],
  ]),
  [`MJ::JOB::reroll::0::${UUID}::SOLO`, "reroll", "REROLL"],
  [`MJ::JOB::upsample_v5_2x::1::${UUID}::SOLO`, "upscale:2x", "UPSCALE"],
  [`MJ::JOB::upsample_v5_4x::1::${UUID}::SOLO`, "upscale:4x", "UPSCALE"],
  [`MJ::JOB::upsample_v6_2x_subtle::1::${UUID}::SOLO`, "upscale:subtle", "UPSCALE"],
  [`MJ::JOB::upsample_v6_2x_creative::1::${UUID}::SOLO`, "upscale:creative", "UPSCALE"],
  [`MJ::JOB::upsample_v6r1_2x_subtle::1::${UUID}::SOLO`, "upscale:subtle", "UPSCALE"],
  [`MJ::JOB::upsample_v6r1_2x_creative::1::${UUID}::SOLO`, "upscale:creative", "UPSCALE"],
  [`MJ::JOB::upsample_v7_2x_subtle::1::${UUID}::SOLO`, "upscale:subtle", "UPSCALE"],
  [`MJ::JOB::upsample_v7_2x_creative::1::${UUID}::SOLO`, "upscale:creative", "UPSCALE"],
  [`MJ::JOB::low_variation::1::${UUID}::SOLO`, "vary:subtle", "VARIATION"],
  [`MJ::JOB::high_variation::1::${UUID}::SOLO`, "vary:strong", "VARIATION"],
  [`MJ::Inpaint::1::${UUID}::SOLO`, "vary:region", "INPAINT", "modal"],
  [`MJ::Outpaint::50::1::${UUID}::SOLO`, "zoom:2", "ZOOM"],
  [`MJ::Outpaint::75::1::${UUID}::SOLO`, "zoom:1.5", "ZOOM"],
  [`MJ::Outpaint::100::1::${UUID}::SOLO`, "square", "ZOOM"],
  [`MJ::CustomZoom::${UUID}`, "zoom:custom", "CUSTOM_ZOOM", "modal"],
  [`MJ::CustomZoom::1::${UUID}`, "zoom:custom", "CUSTOM_ZOOM", "modal"],
  ...["left", "right", "up", "down"].map((way): (typeof GRAMMAR)[number] => [
    `MJ::JOB::pan_${way}::1::${UUID}::SOLO`,
    `pan:${way}`,
    "PAN",
  ]),
  [`MJ::BOOKMARK::${UUID}`, "favourite", "ACTION"],
  [`MJ::JOB::animate_high::1::${UUID}::SOLO`, "animate:high", "VIDEO"],
  [`MJ::JOB::animate_low::1::${UUID}::SOLO`, "animate:low", "VIDEO"],
  [`MJ::JOB::animate_high_extend::1::${UUID}`, "extend:high", "VIDEO"],
  [`MJ::JOB::animate_low_extend::1::${UUID}::SOLO`, "extend:low", "VIDEO"],
  ["MJ::Job::PicReader::all", "describe:all", "IMAGINE"],
  ["MJ::Picread::Retry", "describe:retry", "DESCRIBE"],
  ["MJ::Job::PromptAnalyzer::5", "shorten:5", "IMAGINE"],
  ["MJ::JOB::PromptAnalyzer::1", "shorten:1", "IMAGINE"],
];

describe("the customId grammar", () => {
  it.each(GRAMMAR)("%s has the press name %s and the action %s", (customId, name, action, modal) => {
    expect(canonicalButtonName(customId)).toBe(name);
    expect(actionOf(name)).toBe(action);
    expect(needsModal(name)).toBe(modal === "modal");
    expect(jobIdOf(customId)).toBe(customId.includes(UUID) ? UUID : undefined);
  });

  it.each([
    "",
    "MJ",
    "MJ::",
    "MJ::JOB",
    "MJ::JOB::teleport::1",
    "MJ::Outpaint::constructor",
    "XY::upsample::1",
    "::::",
  ])("the customId %j has no press name and causes no error", (customId) => {
    expect(canonicalButtonName(customId)).toBeUndefined();
    expect(actionOf(undefined)).toBe("ACTION");
  });

  it.each([
    "MJ::JOB::JOB::upsample::1",
    "MJ::MYJOB::upsample::1",
    "MJ::JOBS::upsample::1",
    "MJ::JOB::new_upsample_v7_2x_subtle::1",
    "MJ::JOB::upsample_v7_2x_subtler::1",
    "MJ::JOB::upsample_v7_8x::1",
    "MJ::JOB::span_left::1",
    "MJ::JOB::pan_leftmost::1",
    "MJ::JOB::reanimate_high::1",
    "MJ::JOB::animate_highest::1",
    "MJ::JOB::NewPromptAnalyzer::1",
  ])("%s only resembles a known button and gets no press name", (customId) => {
    expect(canonicalButtonName(customId)).toBeUndefined();
  });

  it.each([
    ["mjflow::change::UPSCALE::2", "upscale:2"],
    ["mjflow::change::VARIATION::4", "variation:4"],
    ["mjflow::change::REROLL", "reroll"],
    ["mjflow::ttapi::zoom::1.5::zoom_out_1_5::5f0c1d2e", "zoom:1.5"],
    ["mjflow::ttapi::square::::make_square::5f0c1d2e", "square"],
    ["mjflow::useapi::vary::strong::Vary (Strong)::j1-bot:midjourney", "vary:strong"],
  ])("the customId %s constructed by mjflow has the press name %s", (customId, name) =>
    expect(canonicalButtonName(customId)).toBe(name),
  );

  it("a vendor's customId that starts with mjflow but is incomplete causes no error", () => {
    expect(() => resolvePress("U1", [b("mjflow"), b("mjflow::change")])).not.toThrow();
  });

  it("a verb without its argument gets a press name without argument, which matches no other button", () => {
    expect(canonicalButtonName("MJ::JOB::upsample")).toBe("upscale:");
  });

  it("a PromptAnalyzer button is shorten:N if its argument is one digit N, otherwise it is shorten:details", () => {
    expect(canonicalButtonName("MJ::JOB::PromptAnalyzerExtended::3")).toBe("shorten:3");
    for (const argument of ["", "::x1", "::1x", "::12", "::details"]) {
      expect(canonicalButtonName(`MJ::Job::PromptAnalyzer${argument}`), argument).toBe("shorten:details");
    }
  });

  it("the job's UUID must be a whole part of the customId, in upper or lower case", () => {
    expect(jobIdOf(`MJ::JOB::upsample::1::${UUID.toUpperCase()}`)).toBe(UUID.toUpperCase());
    for (const part of [`x${UUID}`, `${UUID}x`]) expect(jobIdOf(`MJ::JOB::upsample::1::${part}`)).toBeUndefined();
  });
});

const b = (customId: string, label = "", emoji = ""): Button => ({ customId, label, emoji });
const grid = [
  ...[1, 2, 3, 4].map((n) => b(`MJ::JOB::upsample::${n}::${UUID}`, `U${n}`)),
  b(`MJ::JOB::reroll::0::${UUID}::SOLO`, "", "🔄"),
  ...[1, 2, 3, 4].map((n) => b(`MJ::JOB::variation::${n}::${UUID}`, `V${n}`)),
];
const single = [
  b(`MJ::JOB::upsample_v7_2x_subtle::1::${UUID}::SOLO`, "Upscale (Subtle)"),
  b(`MJ::JOB::low_variation::1::${UUID}::SOLO`, "Vary (Subtle)", "🪄"),
  b(`MJ::JOB::high_variation::1::${UUID}::SOLO`, "Vary (Strong)", "🪄"),
  b(`MJ::Outpaint::50::1::${UUID}::SOLO`, "Zoom Out 2x", "🔍"),
  b(`MJ::JOB::pan_left::1::${UUID}::SOLO`, "", "⬅️"),
  b(`MJ::JOB::pan_up::1::${UUID}::SOLO`, "", "⬆️"),
  b("MJ::JOB::teleport::1::x", "Teleport", "🛸"),
];

describe("resolvePress", () => {
  it.each([
    ["U2", grid, 1],
    [" u2 ", grid, 1],
    ["upscale:2", grid, 1],
    [`MJ::JOB::upsample::2::${UUID}`, grid, 1],
    ["🔄", grid, 4],
    ["reroll", grid, 4],
    ["Reroll", grid, 4],
    ["V4", grid, 8],
    ["Upscale (Subtle)", single, 0],
    ["upscale:subtle", single, 0],
    ["vary (strong)", single, 2],
    ["zoom:2", single, 3],
    ["⬅️", single, 4],
    ["pan:left", single, 4],
    ["Teleport", single, 6],
    ["teleport", single, 6],
    ["🛸", single, 6],
  ] as const)("the press %s finds its button", (press, buttons, index) => {
    expect(resolvePress(press, buttons)).toMatchObject({ ok: true, button: buttons[index] });
  });

  it("the press U1 finds a button of a video by its label, because its press name is video:1 and not upscale:1", () => {
    const video = [b(`MJ::JOB::video_virtual_upscale::1::${UUID}`, "U1")];
    expect(resolvePress("U1", video)).toMatchObject({ ok: true, name: "video:1" });
  });

  it("a PicReader button without UUID is found by emoji, press name and customId", () => {
    const lines = [1, 2].map((n) => b(`MJ::Job::PicReader::${n}`, "", `${n}️⃣`));
    for (const press of ["2️⃣", "describe:2", "MJ::Job::PicReader::2"]) {
      expect(resolvePress(press, lines)).toMatchObject({ ok: true, button: lines[1] });
    }
  });

  it("an unknown press is rejected with the list of offered buttons", () => {
    const all = ["U1", "U2", "U3", "U4", "reroll", "V1", "V2", "V3", "V4"];
    expect(resolvePress("zoom:2", grid)).toEqual({ ok: false, code: "press_not_offered", offered: all });
    expect(resolvePress("U1", [])).toEqual({ ok: false, code: "press_not_offered", offered: [] });
    expect(resolvePress("", grid)).toMatchObject({ ok: false });
  });

  it("a press that fits two buttons is rejected as ambiguous", () => {
    expect(resolvePress("🪄", single)).toMatchObject({ ok: false, code: "press_ambiguous" });
  });

  it("an empty emoji or label never matches", () => {
    expect(resolvePress(" ", [b("x", "", "")])).toMatchObject({ ok: false });
  });

  it("spaces around a press are ignored for its action, and a customId of mjflow needs its first part", () => {
    expect(actionOfPress(" MJ::JOB::upsample::1::x ")).toBe("UPSCALE");
    expect(canonicalButtonName("other::video::animate::high")).toBeUndefined();
    expect(canonicalButtonName("mjflow::video::animate::high::12")).toBe("animate:high");
  });

  it("the first of several videos is named with its number, also with spaces around; other buttons need no name", () => {
    const video = (n: number) => ({ customId: `mjflow::video::extend::high::${n}`, label: `E${n}`, emoji: "" });
    const buttons = [{ customId: "unknown", label: "?", emoji: "" }, video(1), video(2)];
    expect(resolvePress(" extend:high:1 ", buttons)).toMatchObject({ ok: true, name: "extend:high" });
    expect(resolvePress("extend:high", buttons)).toMatchObject({ ok: false, code: "press_ambiguous" });
  });

  it("spaces around the press and around a label are ignored", () => {
    expect(resolvePress(" MJ::JOB::teleport::1::x ", single)).toMatchObject({ ok: true, button: single[6] });
    expect(resolvePress(" Teleport ", single)).toMatchObject({ ok: true, button: single[6] });
    expect(resolvePress(" 🛸 ", single)).toMatchObject({ ok: true, button: single[6] });
    expect(resolvePress("Teleport", [b("x", " Teleport ")])).toMatchObject({ ok: true });
  });

  it("a button without a label is offered by its emoji or customId", () => {
    expect(offeredLabels([b("x", "", "🛸"), b("raw-id")])).toEqual(["🛸", "raw-id"]);
  });
});

describe("canonicalPress and expandPress", () => {
  it.each([
    ["U1", "upscale:1"],
    ["v4", "variation:4"],
    ["U5", "U5"],
    ["🔄", "reroll"],
    ["⬇️", "pan:down"],
    ["Make Square", "square"],
    ["  Custom Zoom ", "zoom:custom"],
    ["Something New", "Something New"],
    ["u12", "u12"],
    ["xu1", "xu1"],
    ["Reroll", "reroll"],
    ["Upscale (Subtle)", "upscale:subtle"],
    ["Upscale (Creative)", "upscale:creative"],
    ["Upscale (2x)", "upscale:2x"],
    ["Upscale (4x)", "upscale:4x"],
    ["Vary (Subtle)", "vary:subtle"],
    ["Vary (Strong)", "vary:strong"],
    ["Vary (Region)", "vary:region"],
    ["Zoom Out 2x", "zoom:2"],
    ["Zoom Out 1.5x", "zoom:1.5"],
    ["⬅️", "pan:left"],
    ["➡️", "pan:right"],
    ["⬆️", "pan:up"],
    ["Animate (High motion)", "animate:high"],
    ["Animate (Low motion)", "animate:low"],
    ["Extend (High motion)", "extend:high"],
    ["Extend (Low motion)", "extend:low"],
    ["Extend (High)", "extend:high"],
    ["Extend (Low)", "extend:low"],
    ["animate:high:1", "animate:high"],
    [" extend:low:1 ", "extend:low"],
    ["extend:low:2", "extend:low:2"],
    ["my extend:low:1", "my extend:low:1"],
    ["extend:low:1x", "extend:low:1x"],
    ["upscale:1:1", "upscale:1:1"],
    ["❤️", "favourite"],
  ])("the press %s has the press name %s", (press, canonical) => expect(canonicalPress(press)).toBe(canonical));

  it.each(["constructor", "toString", "__proto__", "hasOwnProperty"])("the press %s is an ordinary text", (press) => {
    expect(canonicalPress(press)).toBe(press);
    expect(actionOf(canonicalPress(press))).toBe("ACTION");
    expect(resolvePress(press, grid)).toMatchObject({ ok: false });
  });

  it("upscale:all, variation:all and tile:all expand to four presses each, and no other press expands", () => {
    expect(expandPress(" upscale:all ")).toEqual(["upscale:1", "upscale:2", "upscale:3", "upscale:4"]);
    expect(expandPress("variation:all")).toHaveLength(4);
    expect(expandPress("video:all")).toEqual(["video:1", "video:2", "video:3", "video:4"]);
    expect(expandPress("tile:all")).toEqual(["tile:1", "tile:2", "tile:3", "tile:4"]);
    for (const other of ["describe:all", "my upscale:all", "upscale:all of them"]) {
      expect(expandPress(other)).toEqual([other]);
    }
  });
});

it("an arrow button is found with and without the variation selector for a colored emoji", () => {
  const left = {
    customId: "MJ::JOB::pan_left::1::0d9ab5a1-0000-4000-8000-000000000000::SOLO",
    label: "",
    emoji: "\u2B05\uFE0F",
  };
  for (const press of ["\u2B05", "\u2B05\uFE0F", "pan:left"])
    expect(resolvePress(press, [left])).toMatchObject({ ok: true });
  const odd = { customId: "MJ::NEW::1", label: "", emoji: "\u2728" };
  expect(resolvePress("\u2728\uFE0F", [odd])).toMatchObject({ ok: true });
});

describe("whether a press can open a modal", () => {
  it.each([
    ["always", ["vary:region", "zoom:custom", "describe:1", "shorten:3"]],
    ["remix", ["variation:1", "reroll", "vary:subtle", "vary:strong", "pan:left", "animate:high", "extend:low:2"]],
    ["never", ["upscale:1", "upscale:subtle", "video:1", "tile:1", "square", "zoom:2", "zoom:1.5", "favourite"]],
    ["never", ["describe:all", "describe:retry", "shorten:details"]],
    [undefined, ["describe", "shorten", "enhance", "", "constructor"]],
  ] as const)("is %s for %j", (kind, names) => {
    for (const name of names) expect(modalKindOf(name), name).toBe(kind);
    expect(modalKindOf(undefined)).toBeUndefined();
  });

  it("a label and a customId count like their press name", () => {
    expect(modalKindOfPress("U1")).toBe("never");
    expect(modalKindOfPress("Zoom Out 2x")).toBe("never");
    expect(modalKindOfPress("🔄")).toBe("remix");
    expect(modalKindOfPress(` MJ::JOB::variation::1::${UUID} `)).toBe("remix");
    expect(modalKindOfPress("Enhance")).toBeUndefined();
  });
});

describe("presses on videos", () => {
  const extend = (n: number, motion = "high") => ({
    customId: `MJ::JOB::animate_${motion}_extend::${n}::${UUID}`,
    label: `Extend (${motion === "high" ? "High" : "Low"} motion)`,
    emoji: "🎞️",
  });
  const select = (n: number) => ({
    customId: `MJ::JOB::video_virtual_upscale::${n}::${UUID}`,
    label: `U${n}`,
    emoji: "",
  });

  it("the first of several videos needs no number in its name, the others have theirs", () => {
    expect([1, 2, 4].map((n) => canonicalButtonName(extend(n).customId))).toEqual([
      "extend:high",
      "extend:high:2",
      "extend:high:4",
    ]);
    expect(canonicalButtonName(`MJ::JOB::animate_low::3::${UUID}::SOLO`)).toBe("animate:low:3");
    expect(canonicalButtonName(`MJ::JOB::animate_low::5::${UUID}::SOLO`)).toBe("animate:low");
    expect(canonicalButtonName(`MJ::JOB::animate_low::${UUID}::SOLO`)).toBe("animate:low");
  });

  it("the customIds of mjflow for /submit/video have the same names as the buttons of Midjourney", () => {
    expect(canonicalButtonName("mjflow::video::extend::high::1")).toBe("extend:high");
    expect(canonicalButtonName("mjflow::video::extend::low::3")).toBe("extend:low:3");
    expect(canonicalButtonName("mjflow::video::animate::low::1")).toBe("animate:low");
  });

  it("a press with a number finds the button of this video, also the first", () => {
    const buttons = [1, 2, 3, 4].flatMap((n) => [extend(n), extend(n, "low")]);
    expect(resolvePress("extend:high:3", buttons)).toMatchObject({ ok: true, button: extend(3) });
    expect(resolvePress("extend:low:1", buttons)).toMatchObject({ ok: true, button: extend(1, "low") });
  });

  it.each(["extend:high", "Extend (High motion)"])(
    "the press %s without a number is ambiguous if there are several videos, and finds the only one",
    (press) => {
      expect(resolvePress(press, [extend(1), extend(2)])).toMatchObject({ ok: false, code: "press_ambiguous" });
      expect(resolvePress(press, [extend(1), extend(1, "low")])).toMatchObject({ ok: true, button: extend(1) });
    },
  );

  it("upscale:2 and U2 select the second of four videos, and an image is upscaled if there is one", () => {
    const buttons = [1, 2, 3, 4].map(select);
    for (const press of ["upscale:2", "U2", "video:2"]) {
      expect(resolvePress(press, buttons), press).toMatchObject({ ok: true, button: select(2), name: "video:2" });
    }
    const image = { customId: `MJ::JOB::upsample::2::${UUID}`, label: "U2", emoji: "" };
    expect(resolvePress("upscale:2", [...buttons, image])).toMatchObject({ ok: true, button: image });
    expect(resolvePress("variation:2", buttons)).toMatchObject({ ok: false });
  });

  it("only the selection of an image has another name on videos", () => {
    expect(["upscale:1", "upscale:subtle", "upscale:12", "my upscale:1", "reroll"].map(videoNameOf)).toEqual([
      "video:1",
      "upscale:subtle",
      "upscale:12",
      "my upscale:1",
      "reroll",
    ]);
  });

  it.each(["v8", "v8_1", "v8.1", "v6r1"])("the buttons of model %s for a higher resolution are known by name", (v) => {
    expect(canonicalButtonName(`MJ::JOB::upsample_${v}_2x_creative::1::${UUID}::SOLO`)).toBe("upscale:creative");
  });
});

describe("tile presses", () => {
  it("a tile press has a number from 1 to 4 and the action TILE", () => {
    expect([1, 2, 3, 4].map((n) => tileNumberOf(`tile:${n}`))).toEqual([1, 2, 3, 4]);
    expect(tileNumberOf(" tile:2 ")).toBe(2);
    expect(actionOf("tile:1")).toBe("TILE");
  });

  it("every other press has no tile number", () => {
    for (const other of ["tile:0", "tile:5", "tile:12", "my tile:1", "upscale:1", "", undefined]) {
      expect(tileNumberOf(other), other).toBeUndefined();
    }
  });
});
