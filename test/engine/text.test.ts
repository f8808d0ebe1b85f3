/** The text result of describe and shorten in the task view: vendors have it in different fields. */
import type { Result } from "@mjflow/core/report";
import { taskView } from "@mjflow/engine/view";
import { describe, expect, test } from "vitest";
import { createTestHarness } from "../support/harness.ts";

const TEXT = "1️⃣ a small house by the sea --ar 1:1";

async function textOf(action: "describe" | "shorten" | "imagine", result: Result): Promise<string | null> {
  const harness = createTestHarness();
  Object.assign(harness.vendor.provider.capabilities, { rootActions: ["imagine", "describe", "shorten"] });
  const flow = await harness.start({ action, prompt: action === "describe" ? undefined : "a long boat" });
  await harness.drain();
  await harness.post(harness.vendor.calls[0]!, "SUCCESS", { result });
  const task = (await harness.read(flow)).tasks.get("0")!;
  expect(task.status).toBe("SUCCESS");
  return taskView(task, { api: "https://api.test", media: (key) => key }).text;
}

test("a status word that mjflow does not know is shown, and the task continues", async () => {
  const harness = createTestHarness();
  const flow = await harness.start();
  await harness.drain();
  await harness.post(harness.vendor.calls[0]!, undefined, { unknownStatus: "DREAMING" });
  const task = (await harness.read(flow)).tasks.get("0")!;
  expect(taskView(task, { api: "https://api.test", media: (key) => key })).toMatchObject({
    status: "SUBMITTED",
    unknownStatus: "DREAMING",
  });
});

describe("the field text of a task", () => {
  test.each<["describe" | "shorten", Result]>([
    ["describe", { finalPrompt: TEXT }],
    ["describe", { promptEn: TEXT }],
    ["describe", { prompt: TEXT }],
    ["describe", { prompt: TEXT, promptEn: TEXT, finalPrompt: TEXT }],
    ["shorten", { finalPrompt: TEXT }],
    ["shorten", { prompt: "a long boat", promptEn: "a long boat", finalPrompt: TEXT }],
  ])("is the text result of %s for the result %o", async (action, result) => {
    expect(await textOf(action, result)).toBe(TEXT);
  });

  test("is the prompt of an imagine, as the vendor uses it", async () => {
    expect(await textOf("imagine", { promptEn: "a boat", finalPrompt: "a boat --v 7" })).toBe("a boat");
  });
});
