import { randomUUID } from "node:crypto";
import type { Flow } from "@mjflow/core/flow";
import type { Result } from "@mjflow/core/report";
import { newTask, type Task } from "@mjflow/core/task";
import { describe, expect, test } from "vitest";
import { flowItem, flowOf, healthItem, healthOf, ItemError, isExpired, itemBytes, taskItem, taskOf } from "./item.ts";
import { KEPT_MS } from "./keys.ts";

const flowId = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const now = 1_763_700_000_123;

/** An upscale as a v7 account answers it: 14 buttons, CDN links, prompts of ordinary length, and the body itself. */
function upscaleResult(): Result {
  const job = randomUUID();
  const button = (customId: string, label: string, emoji = "") => ({ customId, label, emoji });
  const solo = (verb: string, label: string, emoji = "") => button(`MJ::JOB::${verb}::1::${job}::SOLO`, label, emoji);
  const buttons = [
    solo("upsample_v7_2x_subtle", "Upscale (Subtle)", "upscale_1"),
    solo("upsample_v7_2x_creative", "Upscale (Creative)", "upscale_1"),
    solo("low_variation", "Vary (Subtle)", "🪄"),
    solo("high_variation", "Vary (Strong)", "🪄"),
    button(`MJ::Inpaint::1::${job}::SOLO`, "Vary (Region)", "🖌️"),
    button(`MJ::Outpaint::50::1::${job}::SOLO`, "Zoom Out 2x", "🔍"),
    button(`MJ::Outpaint::75::1::${job}::SOLO`, "Zoom Out 1.5x", "🔍"),
    ...["left", "right", "up", "down"].map((way) => solo(`pan_${way}`, "", "⬅️")),
    button(`MJ::CustomZoom::1::${job}`, "Custom Zoom", "🔍"),
    solo("animate_high", "Animate (High motion)", "🎞️"),
    solo("animate_low", "Animate (Low motion)", "🎞️"),
  ];
  const channel = "1118138338562560102/1326847562910236712";
  const file = `user_a_lighthouse_in_a_storm_at_dusk_${job}.png`;
  const signed = `ex=6781b2c3&is=67806143&hm=${randomUUID().replaceAll("-", "").repeat(2)}&`;
  const imageUrl = `https://cdn.discordapp.com/attachments/${channel}/${file}?${signed}`;
  const prompt =
    "A lighthouse in a storm at dusk, long exposure, muted colours, heavy sea --ar 16:9 --stylize 250 --v 7";
  const raw = JSON.stringify({
    id: "1763700000123456",
    action: "UPSCALE",
    botType: "MID_JOURNEY",
    customId: `MJ::JOB::upsample::2::${randomUUID()}`,
    prompt,
    promptEn: prompt,
    description: `/up 1763700000123456 U2`,
    state: "",
    submitTime: now,
    startTime: now + 1_200,
    finishTime: now + 9_400,
    imageUrl,
    imageHeight: 816,
    imageWidth: 1456,
    status: "SUCCESS",
    progress: "100%",
    failReason: null,
    buttons: buttons.map((b) => ({ ...b, type: 2, style: 2 })),
    properties: { finalPrompt: prompt, messageId: "1326847562910236799", messageHash: job, flags: 0 },
  });
  return { imageUrl, buttons, prompt, promptEn: prompt, finalPrompt: prompt, raw };
}

const at = { flowId, provider: "trueai-org", account: "default", pace: "fast" } as const;
const pending: Task = {
  ...newTask({ ...at, path: "0-1", action: "UPSCALE", press: "upscale:2" }, now, now + 300_000),
  rev: 1,
};
const customId = `MJ::JOB::upsample::2::${randomUUID()}`;
const claimed: Task = { ...pending, rev: 2, status: "SUBMITTING", attempt: 1, customId, leaseUntil: now + 95_000 };
const submitted: Task = {
  ...claimed,
  rev: 3,
  status: "SUBMITTED",
  leaseUntil: undefined,
  vendorTaskId: "1763700000123456",
  vendorTaskIdFrom: "answer",
  submittedAt: now + 900,
};
const succeeded: Task = {
  ...submitted,
  rev: 4,
  status: "SUCCESS",
  progress: 100,
  callbacks: 1,
  endedAt: now + 10_000,
  endedBy: 1,
  due: undefined,
  result: upscaleResult(),
};

const awkward = `"quoted" \\back\\slash\nnew\r\nlines\ttab \u0000\u2028 🧑🏽‍🚀 é e\u0301 ${"界".repeat(1_000)} `;
const flow: Flow = {
  id: flowId,
  appId: "app_1",
  rev: 1,
  status: "running",
  action: "imagine",
  provider: "trueai-org",
  account: "default",
  prompt: awkward,
  state: awkward,
  accountFilter: { modes: ["FAST"], remix: false },
  notifyHook: "https://app.example/hook",
  progress: false,
  createdAt: now,
  due: now + 1,
};

describe("a row holds all of its item and gives it back", () => {
  test.each(Object.entries({ pending, claimed, submitted, succeeded }))("a task when %s", (_, task) => {
    expect(taskOf(taskItem(task))).toEqual(task);
  });

  test("a task with everything a task can have", () => {
    const full: Task = {
      ...succeeded,
      modal: { prompt: awkward, mask: { ref: flowId, index: 0 } },
      then: [{ press: "zoom:2", then: [{ press: "upscale:1" }] }],
      inputsRef: flowId,
      phase: "modal",
      modals: 2,
      busy: 3,
      vendorSiblings: ["1", "2"],
      duplicates: 4,
      lookups: 5,
      missing: 6,
      failure: { code: "vendor_failed", message: awkward, vendor: { description: awkward } },
      late: { status: "FAILURE", at: now },
      oddity: "HALF_DONE",
      orphans: [{ attempt: 1, vendorTaskId: "7", at: now }],
    };
    expect(taskOf(taskItem(full))).toEqual(full);
  });

  test("a flow, its state and prompt byte for byte", () => {
    const read = flowOf(flowItem(flow));
    expect(read).toEqual(flow);
    expect(Buffer.from(read.state!)).toEqual(Buffer.from(awkward));
  });

  test("an account's health", () => {
    const health = { provider: "p", account: "a", rev: 3, callbacks: "silent", misses: 0, changedAt: now } as const;
    expect(healthOf(healthItem(health))).toEqual(health);
  });
});

test("a row of a newer version is refused in words, not misread", () => {
  const item = { ...taskItem(pending), v: { N: "2" } };
  expect(() => taskOf(item)).toThrow(ItemError);
  expect(() => taskOf(item)).toThrow("task#0-1 has schema version 2; this code knows versions up to 1");
});

test("a row past its 90 days is expired, whether or not it was deleted", () => {
  const item = taskItem(pending);
  expect(isExpired(item, now + KEPT_MS - 1_000)).toBe(false);
  expect(isExpired(item, now + KEPT_MS + 1_000)).toBe(true);
});

test("a task costs one write unit until it ends, and two at its end", () => {
  const sizes = Object.fromEntries(
    Object.entries({ pending, claimed, submitted, succeeded }).map(([name, task]) => [name, itemBytes(taskItem(task))]),
  );
  const json = Buffer.byteLength(JSON.stringify(succeeded.result));
  console.table({ ...sizes, "result as plain JSON": json });
  expect(Math.max(sizes["pending"]!, sizes["claimed"]!, sizes["submitted"]!)).toBeLessThan(1_024);
  expect(sizes["succeeded"]).toBeLessThan(1_640);
});
