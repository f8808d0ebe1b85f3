import { FlowRequest } from "@mjflow/core/request";
import { describe, expect, test } from "vitest";
import {
  type Draft,
  EMPTY_FORM,
  type FlowForm,
  isComplete,
  maxImages,
  toFlowInput,
  toggleDraft,
  toPlanInput,
  updateDraft,
} from "./form.ts";
import { preview, promptsOf } from "./plan.ts";

let keys = 0;
const newKey = () => `k${keys++}`;
const draft = (press: string, rest: Partial<Draft> = {}): Draft => ({
  key: newKey(),
  press,
  prompt: "",
  then: [],
  ...rest,
});

test("the request of a form matches the schema of the server and contains only fields that were filled in", () => {
  const form = { ...EMPTY_FORM, provider: "simulator", prompt: "  a boat " };
  expect(toFlowInput(form)).toEqual({ provider: "simulator", prompt: "a boat", progress: true });
  const full = toFlowInput({
    ...form,
    mode: "relax",
    images: [{ src: "data:image/png;base64,AAAA", role: "image" }],
    state: " kept as it is ",
    notifyHook: " https://app.example.com/hook ",
    archive: true,
    then: [
      draft("upscale:1", { then: [draft("vary:region", { prompt: "fog", maskBase64: "data:image/png;base64,AAAA" })] }),
    ],
  });
  expect(FlowRequest.safeParse(full).error).toBeUndefined();
  expect(full.state).toBe(" kept as it is ");
  expect(full.then).toEqual([
    {
      press: "upscale:1",
      then: [{ press: "vary:region", modal: { prompt: "fog", maskBase64: "data:image/png;base64,AAAA" } }],
    },
  ]);
});

test("adjacent drafts with the same continuation become one step, in order; different drafts stay separate", () => {
  expect(toPlanInput([draft("U1"), draft("U2", { then: [draft("zoom:2")] }), draft("U3"), draft("U4")])).toEqual([
    { press: "U1" },
    { press: "U2", then: [{ press: "zoom:2" }] },
    { press: ["U3", "U4"] },
  ]);
  expect(toPlanInput([draft("V1", { prompt: "x" }), draft("V2", { prompt: "y" })])).toHaveLength(2);
});

test("the preview counts the paid calls, and a tile is free", () => {
  const then = toPlanInput(toggleDraft(toggleDraft([], "upscale:all", newKey), "tile:1", newKey));
  const { steps, paid, usd, problem } = preview({ provider: "simulator", prompt: "a boat", then });
  expect(problem).toBeUndefined();
  expect(steps.map(({ id, parentId, press, free }) => [id, parentId, press, free])).toEqual([
    ["0", null, null, false],
    ["0-0", "0", "upscale:1", false],
    ["0-1", "0", "upscale:2", false],
    ["0-2", "0", "upscale:3", false],
    ["0-3", "0", "upscale:4", false],
    ["0-4", "0", "tile:1", true],
  ]);
  expect(paid).toBe(5);
  expect(usd).toBeCloseTo(0.04 + 4 * 0.01);
});

test("the preview reports a plan that the server would reject, and still shows the root", () => {
  const { steps, problem } = preview({
    provider: "simulator",
    prompt: "a boat",
    then: [{ press: ["U1", "upscale:1"] }],
  });
  expect(problem?.detail).toContain("twice");
  expect(steps).toHaveLength(1);
});

test("toggling a press twice removes the press, and `upscale:all` adds the missing ones of its four presses", () => {
  const single = toggleDraft([], "U2", newKey);
  expect(single.map(({ press }) => press)).toEqual(["upscale:2"]);
  const all = toggleDraft(single, "upscale:all", newKey);
  expect(all.map(({ press }) => press)).toEqual(["upscale:2", "upscale:1", "upscale:3", "upscale:4"]);
  expect(all[0]).toBe(single[0]);
  expect(toggleDraft(all, "upscale:all", newKey)).toEqual([]);
});

test("a step at any depth is changed or removed, and the other steps stay", () => {
  const deep = draft("zoom:2");
  const plan = [draft("U1"), draft("U2", { then: [deep] })];
  const renamed = updateDraft(plan, deep.key, (step) => ({ ...step, press: "zoom:1.5" }));
  expect(toPlanInput(renamed)).toEqual([{ press: "U1" }, { press: "U2", then: [{ press: "zoom:1.5" }] }]);
  expect(toPlanInput(updateDraft(plan, deep.key, () => undefined))).toEqual([{ press: ["U1", "U2"] }]);
});

const references = (...sources: string[]) => sources.map((src) => ({ src, role: "image" as const }));

describe("the roles of images", () => {
  const form = (prompt: string): FlowForm => ({
    ...EMPTY_FORM,
    prompt,
    images: [
      { src: "https://a/1.png", role: "image" },
      { src: "https://a/2.png", role: "style" },
      { src: "https://a/3.png", role: "style" },
      { src: "https://a/4.png", role: "character" },
    ],
  });

  test("styles and characters are links in the prompt, the other images are images of the request", () => {
    const { prompt, base64Array } = toFlowInput(form("a boat --ar 3:2"));
    expect(prompt).toBe("a boat --ar 3:2 --sref https://a/2.png https://a/3.png --oref https://a/4.png");
    expect(base64Array).toEqual(["https://a/1.png"]);
  });

  test("a version before 7 gets --cref, and links join those of the prompt", () => {
    expect(toFlowInput(form("a boat --sref 123 --v 6.1")).prompt).toBe(
      "a boat --sref 123 https://a/2.png https://a/3.png --v 6.1 --cref https://a/4.png",
    );
  });

  test("a blend has all images and no prompt", () => {
    const input = toFlowInput({ ...form("a boat"), action: "blend" });
    expect(input.prompt).toBeUndefined();
    expect(input.base64Array).toHaveLength(4);
  });
});

describe("the form of a video or an edit", () => {
  const form = (more: Partial<FlowForm>): FlowForm => ({
    ...EMPTY_FORM,
    images: references("data:a", "data:b"),
    ...more,
  });

  test("a video has its first and last frame, its motion and the number of videos; a prompt only if there is one", () => {
    expect(toFlowInput(form({ action: "video" }))).toEqual({
      action: "video",
      image: "data:a",
      endImage: "data:b",
      motion: "low",
      progress: true,
    });
    const one = form({
      action: "video",
      images: references("data:a"),
      prompt: " waves ",
      motion: "high",
      batchSize: "2",
    });
    expect(toFlowInput(one)).toMatchObject({ image: "data:a", prompt: "waves", motion: "high", batchSize: 2 });
    expect(toFlowInput(one)).not.toHaveProperty("endImage");
  });

  test("an edit and a retexture have one image and a prompt", () => {
    for (const action of ["edit", "retexture"] as const) {
      expect(toFlowInput(form({ action, prompt: "snow" }))).toEqual({
        action,
        image: "data:a",
        prompt: "snow",
        progress: true,
      });
    }
  });

  test("the form is complete if it has the image and the prompt that its action needs", () => {
    expect(isComplete(form({ action: "video" }))).toBe(true);
    expect(isComplete(form({ action: "video", images: [] }))).toBe(false);
    expect(isComplete(form({ action: "edit" }))).toBe(false);
    expect(isComplete(form({ action: "edit", prompt: "x" }))).toBe(true);
    expect(isComplete(form({ action: "imagine", images: [], prompt: "x" }))).toBe(true);
    expect(isComplete(form({ action: "describe", images: references("data:a") }))).toBe(true);
    expect((["shorten", "imagine", "blend", "video", "edit", "describe"] as const).map(maxImages)).toEqual([
      0, 10, 5, 2, 1, 1,
    ]);
  });

  test("the preview of a video has the price of a video", () => {
    expect(preview({ action: "video", image: "data:a", then: [{ press: "extend:low:2" }] }).usd).toBeCloseTo(1.2);
  });
});

test("a prompt with groups in braces stands for several prompts, and a group without an end is a problem", () => {
  const count = (prompt: string) => promptsOf({ ...EMPTY_FORM, prompt });
  expect(count("a boat")).toEqual({ count: 1 });
  expect(count("a {red, blue} boat")).toEqual({ count: 2 });
  expect(count("{a, b} in {fog, rain, sun}")).toEqual({ count: 6 });
  expect(count("a {red boat").problem?.detail).toBeTruthy();
  expect(promptsOf({ ...EMPTY_FORM, action: "blend", prompt: "{a, b}" })).toEqual({ count: 1 });
});
