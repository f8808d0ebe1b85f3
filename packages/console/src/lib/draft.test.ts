import type { Flow, PlanStep } from "@mjflow/client";
import { expect, test } from "vitest";
import { formOf } from "./draft.ts";
import { toFlowInput } from "./form.ts";

const step = (taskId: string, parentId: string, press: string, prompt: string | null = null): PlanStep => ({
  taskId,
  parentId,
  press,
  prompt,
  hasMask: false,
  status: "done",
});

test("the form of a flow sends the same request again: prompt, mode, provider, state and every step", () => {
  const flow = {
    action: "imagine",
    provider: "simulator",
    prompt: "a boat",
    mode: "relax",
    state: "order 7",
    notifyHook: null,
    tasks: [{ id: "t_0" }],
    plan: [
      step("t_0-0", "t_0", "upscale:1"),
      step("t_0-0-0", "t_0-0", "zoom:custom", "fog"),
      step("t_0-1", "t_0", "variation:2"),
    ],
  } as unknown as Flow;
  expect(toFlowInput(formOf(flow))).toEqual({
    provider: "simulator",
    prompt: "a boat",
    mode: "relax",
    state: "order 7",
    progress: true,
    then: [{ press: "upscale:1", then: [{ press: "zoom:custom", prompt: "fog" }] }, { press: "variation:2" }],
  });
});

test("a flow of a server that returns no plan gives a form without steps", () => {
  const flow = {
    action: "describe",
    provider: "p",
    prompt: null,
    mode: null,
    state: null,
    notifyHook: null,
    tasks: [],
  };
  expect(formOf(flow as unknown as Flow)).toMatchObject({ action: "describe", prompt: "", then: [] });
});
