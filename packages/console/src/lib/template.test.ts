import type { PlanInput } from "@mjflow/client";
import { expect, test } from "vitest";
import { toPlanInput } from "./form.ts";
import { countSteps, draftsOf, planText, TEMPLATE_NAME } from "./template.ts";

const PLAN: PlanInput[] = [
  { press: ["upscale:1", "upscale:2"], then: [{ press: "vary:subtle", prompt: "at night" }] },
  { press: "vary:region", modal: { prompt: "a hat", maskBase64: "data:image/png;base64,AA" } },
];
const keys = () => {
  let next = 0;
  return () => `key ${next++}`;
};

test("a plan that is edited and not changed is the same plan", () => {
  expect(toPlanInput(draftsOf(PLAN, keys()))).toEqual([
    PLAN[0],
    { press: "vary:region", modal: { prompt: "a hat", maskBase64: "data:image/png;base64,AA" } },
  ]);
});

test("every draft has a key of its own", () => {
  const all = draftsOf(PLAN, keys()).flatMap(({ key, then }) => [key, ...then.map((below) => below.key)]);
  expect(new Set(all).size).toBe(5);
});

test("a step with several presses counts as several tasks, each with everything below it", () => {
  expect(countSteps(PLAN)).toBe(5);
  expect(countSteps([])).toBe(0);
});

test("the plan in one line has the names of the presses", () => {
  expect(planText(PLAN)).toBe("U1, U2 → (Vary subtle), Vary region");
});

test("the pattern of a name accepts what the API accepts", () => {
  const name = new RegExp(`^(?:${TEMPLATE_NAME})$`, "v");
  expect(["a", "shop-2.wide_x", `a${"b".repeat(59)}`].every((text) => name.test(text))).toBe(true);
  expect(["", "-a", "a b", "图", `a${"b".repeat(60)}`].some((text) => name.test(text))).toBe(false);
});
