import { canonicalButtonName, resolvePress } from "@mjflow/core/button";
import { expect, test } from "vitest";
import { addressWithRef, refOf } from "./address.ts";
import { urlOf } from "./call.ts";
import { localModalId, localModalOf, ownButton, ownPressOf } from "./press.ts";

const parent = "j1023-u1-c2-bot:midjourney";

test.each([
  ["upscale:2", "upsample2", "U2"],
  ["variation:4", "variation4", "V4"],
  ["vary:strong", "high_variation", "Vary (Strong)"],
  ["zoom:1.5", "zoom_out_1_5", "Zoom Out 1.5x"],
  ["square", "make_square", "Make Square"],
  ["upscale:2x", "upscale2", "Upscale (2x)"],
])("the button %s is found by its press name and by Midjourney's label", (name, word, label) => {
  const button = ownButton("ttapi", { name, word, parent });
  expect(canonicalButtonName(button.customId)).toBe(name);
  for (const press of [name, label, label.toLowerCase()])
    expect(resolvePress(press, [button]), press).toMatchObject({ ok: true, name });
  expect(ownPressOf("ttapi", button.customId)).toEqual({ name, word, parent });
});

test.each(["reroll", "pan:left", "pan:down"])("the button %s is found by its emoji", (name) => {
  const button = ownButton("useapi", { name, word: "x", parent });
  expect(button.label).toBe("");
  expect(resolvePress(button.emoji, [button])).toMatchObject({ ok: true, name });
});

test("a word without a press name is pressed by this word", () => {
  const button = ownButton("ttapi", { name: undefined, word: "redo_upscale2", parent });
  expect(canonicalButtonName(button.customId)).toBeUndefined();
  expect(resolvePress("redo_upscale2", [button])).toMatchObject({ ok: true, name: undefined });
  expect(ownPressOf("ttapi", button.customId)).toEqual({ name: undefined, word: "redo_upscale2", parent });
});

test("a family presses only buttons that it made", () => {
  const { customId } = ownButton("ttapi", { name: "reroll", word: "reroll", parent });
  expect(ownPressOf("useapi", customId)).toBeUndefined();
  for (const other of [
    "MJ::JOB::upsample::1::5f0c",
    "mjflow::change::REROLL",
    "mjflow::ttapi::zoom",
    "mjflow::ttapi::zoom::2::word",
    "",
    `${customId}::x`,
  ])
    expect(ownPressOf("ttapi", other), other).toBeUndefined();
});

test("the id of a local modal names press, parent and our reference, and no vendor's id is one", () => {
  const modal = { name: "vary:region", word: "inpaint", parent, state: "01JZX9_0-1_1" };
  expect(localModalOf(localModalId(modal))).toEqual(modal);
  for (const id of [parent, "5f0c1d2e-0a1b-4c3d-8e4f-000000000101", "", "1320098173412546"])
    expect(localModalOf(id), id).toBeUndefined();
});

test("the id of a modal whose parts are missing has empty ones", () => {
  expect(localModalOf("mjflow-modal")).toEqual({ name: "", word: "", parent: "", state: "" });
  expect(localModalOf("mjflow-modal::a::b::c::d::e")).toEqual({ name: "a", word: "b", parent: "c", state: "d" });
  const modal = { name: undefined, word: "inpaint", parent, state: "s" };
  expect(localModalOf(localModalId(modal))).toEqual({ ...modal, name: "" });
});

test("our reference comes back from the address, whatever the address had", () => {
  for (const address of ["https://hooks.test/callbacks/1.a.b", "https://hooks.test/callbacks/1.a.b?x=1"])
    expect(refOf(addressWithRef(address, "01JZX9_0_1"))).toBe("01JZX9_0_1");
  for (const other of ["https://hooks.test/callbacks/1.a.b", "no address", undefined, 7])
    expect(refOf(other)).toBeUndefined();
});

test.each([
  ["https://v.test", "https://v.test/midjourney/v1/fetch"],
  ["https://v.test/", "https://v.test/midjourney/v1/fetch"],
  ["https://v.test/midjourney", "https://v.test/midjourney/v1/fetch"],
  ["https://v.test/midjourney/v1", "https://v.test/midjourney/v1/fetch"],
  ["https://v.test/proxy", "https://v.test/proxy/midjourney/v1/fetch"],
])("the base URL %s leads to %s", (base, url) => expect(urlOf(base, "/midjourney/v1", "/fetch")).toBe(url));

test.each(["", "/a", "/a/b", "/a/b/c"])("a base URL that ends with %j leads to each route once", (end) =>
  expect(urlOf(`https://v.test${end}/`, "/a/b/c", "/x")).toBe("https://v.test/a/b/c/x"),
);
