import { FlowRequest } from "@mjflow/core/request";
import { expect, test } from "vitest";
import { type Draft, EMPTY_FORM, preview, toFlowInput, toggleDraft, toPlanInput, updateDraft } from "./plan.ts";

let made = 0;
const newKey = () => `k${made++}`;
const draft = (press: string, rest: Partial<Draft> = {}): Draft => ({
  key: newKey(),
  press,
  prompt: "",
  then: [],
  ...rest,
});

test("what is built is what the server's own schema takes, and nothing that was not given is sent", () => {
  const form = { ...EMPTY_FORM, provider: "simulator", prompt: "  a boat " };
  expect(toFlowInput(form)).toEqual({ provider: "simulator", prompt: "a boat", progress: true });
  const full = toFlowInput({
    ...form,
    mode: "relax",
    images: ["data:image/png;base64,AAAA"],
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

test("neighbours that go on alike become one step, in the plan's order; different ones do not", () => {
  expect(toPlanInput([draft("U1"), draft("U2", { then: [draft("zoom:2")] }), draft("U3"), draft("U4")])).toEqual([
    { press: "U1" },
    { press: "U2", then: [{ press: "zoom:2" }] },
    { press: ["U3", "U4"] },
  ]);
  expect(toPlanInput([draft("V1", { prompt: "x" }), draft("V2", { prompt: "y" })])).toHaveLength(2);
});

test("the preview counts what is paid, and a tile is not", () => {
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

test("what the server would refuse is said before it is sent, and the rest of the page goes on", () => {
  const { steps, problem } = preview({
    provider: "simulator",
    prompt: "a boat",
    then: [{ press: ["U1", "upscale:1"] }],
  });
  expect(problem?.detail).toContain("twice");
  expect(steps).toHaveLength(1);
});

test("pressed twice in the builder is not pressed; all means its four, and fills up what is missing", () => {
  const one = toggleDraft([], "U2", newKey);
  expect(one.map(({ press }) => press)).toEqual(["upscale:2"]);
  const all = toggleDraft(one, "upscale:all", newKey);
  expect(all.map(({ press }) => press)).toEqual(["upscale:2", "upscale:1", "upscale:3", "upscale:4"]);
  expect(all[0]).toBe(one[0]);
  expect(toggleDraft(all, "upscale:all", newKey)).toEqual([]);
});

test("a step is changed or taken out wherever it stands, and the others stay", () => {
  const deep = draft("zoom:2");
  const plan = [draft("U1"), draft("U2", { then: [deep] })];
  const renamed = updateDraft(plan, deep.key, (step) => ({ ...step, press: "zoom:1.5" }));
  expect(toPlanInput(renamed)).toEqual([{ press: "U1" }, { press: "U2", then: [{ press: "zoom:1.5" }] }]);
  expect(toPlanInput(updateDraft(plan, deep.key, () => undefined))).toEqual([{ press: ["U1", "U2"] }]);
});
