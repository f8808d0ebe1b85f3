/** Compat task ids and task objects: each status as the family shows it, and no secret of mjflow in the text. */
import { describe, expect, it } from "vitest";
import { FLOW, NOW, taskIn } from "../test/sample.ts";
import { failure } from "./error.ts";
import {
  isMjTaskId,
  type MjTaskPointer,
  mjIdOrder,
  mjIdShardOf,
  mjStatusOf,
  mjTaskIdOf,
  mjTaskView,
} from "./mj-task.ts";
import { STATUSES, type Task } from "./task.ts";

const pointer: MjTaskPointer = {
  appId: "app_a",
  id: "1765432109876123",
  rev: 1,
  flowId: FLOW,
  path: "0",
  action: "IMAGINE",
  prompt: "a boat",
  state: "s",
  notifyHook: "https://app.test/hook?token=theirs",
  createdAt: NOW,
};

describe("compat task ids", () => {
  it("an id has 16 digits, sorts by time and is exact as a JavaScript number until the year 2255", () => {
    for (const [ms, chance, id] of [
      [1_765_432_109_876, 123, "1765432109876123"],
      [1_765_432_109_876.9, 0, "1765432109876000"],
      [5, 7, "0000000000005007"],
    ] as const) {
      expect(mjTaskIdOf(ms, chance)).toBe(id);
      expect(isMjTaskId(id)).toBe(true);
    }
    expect(Number(mjTaskIdOf(Date.UTC(2255, 0), 999))).toBeLessThan(2 ** 53);
    expect(mjTaskIdOf(NOW, 999) < mjTaskIdOf(NOW + 1, 0)).toBe(true);
  });

  it("a spread id says its partition, sorts by time among the other ids and is a safe integer", () => {
    const spread = mjTaskIdOf(NOW, 123, true);
    expect(spread).toMatch(/^5\d{15}$/);
    expect(mjIdShardOf(spread)).toBe(3);
    expect(mjIdShardOf(mjTaskIdOf(0, 5, true))).toBe(5);
    expect(mjIdShardOf(mjTaskIdOf(NOW, 123))).toBeUndefined();
    expect(mjTaskIdOf(Date.UTC(2096, 0), 999)).not.toBe(mjTaskIdOf(Date.UTC(2096, 0), 999, true));
    expect(Number(mjTaskIdOf(Date.UTC(2096, 0), 999, true))).toBeLessThan(2 ** 53);
    const mixed = [mjTaskIdOf(NOW, 5, true), mjTaskIdOf(NOW, 7), mjTaskIdOf(NOW + 1, 0, true), mjTaskIdOf(NOW + 2, 0)];
    expect(mixed.toSorted((a, b) => mjIdOrder(a) - mjIdOrder(b))).toEqual(mixed);
    const shards = new Set(Array.from({ length: 1_000 }, (_, chance) => mjIdShardOf(mjTaskIdOf(NOW, chance, true))));
    expect([...shards].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it.each(["", "176543210987612", "17654321098761234", "176543210987612x", "１765432109876123", "-765432109876123"])(
    "the text %j is not a compat task id",
    (id) => expect(isMjTaskId(id)).toBe(false),
  );
});

describe("statuses of the compat API", () => {
  const plain = {
    PENDING: "NOT_START",
    SUBMITTING: "NOT_START",
    UNCLEAR: "NOT_START",
    SUBMITTED: "SUBMITTED",
    MODAL: "MODAL",
    IN_PROGRESS: "IN_PROGRESS",
    SUCCESS: "SUCCESS",
    FAILURE: "FAILURE",
    CANCEL: "CANCEL",
    EXPIRED: "FAILURE",
  };
  const modal = { prompt: "x" };

  it.each(STATUSES)("the status %s is shown with the family's name", (status) => {
    expect(mjStatusOf({}, taskIn(status))).toBe(plain[status]);
  });

  it("an id without a stored task is NOT_START, or MODAL after code 21", () => {
    expect(mjStatusOf({}, undefined)).toBe("NOT_START");
    expect(mjStatusOf({ awaitsModalAnswer: true }, undefined)).toBe("MODAL");
  });

  it("after code 21 the status is MODAL until the answer arrives or the task runs", () => {
    for (const status of ["PENDING", "SUBMITTING", "UNCLEAR", "SUBMITTED", "MODAL"] as const) {
      expect(mjStatusOf({ awaitsModalAnswer: true }, taskIn(status)), status).toBe("MODAL");
    }
    for (const status of ["IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"] as const) {
      expect(mjStatusOf({ awaitsModalAnswer: true }, taskIn(status)), status).toBe(plain[status]);
    }
  });

  it("after the modal answer the status is never MODAL again", () => {
    for (const awaitsModalAnswer of [true, undefined]) {
      for (const status of STATUSES) {
        for (const phase of ["submit", "modal"] as const) {
          expect(mjStatusOf({ awaitsModalAnswer }, taskIn(status, { modal, phase })), `${status} ${phase}`).not.toBe(
            "MODAL",
          );
        }
      }
    }
    expect(mjStatusOf({}, taskIn("SUBMITTING", { modal, phase: "modal" }))).toBe("SUBMITTED");
    expect(mjStatusOf({}, taskIn("UNCLEAR", { modal, phase: "modal" }))).toBe("SUBMITTED");
  });
});

describe("task objects of the compat API", () => {
  const done: Partial<Task> = {
    progress: 100,
    submittedAt: NOW + 1,
    endedAt: NOW + 2,
    vendorTaskId: "vendors-own",
    result: {
      imageUrl: "https://cdn.test/grid.png",
      images: [{ url: "https://cdn.test/1.png", thumbnail: "https://cdn.test/1s.png" }],
      videos: [{ url: "https://cdn.test/0.mp4" }, { url: "https://cdn.test/1.mp4" }],
      buttons: [{ customId: "MJ::JOB::reroll::0::x::SOLO", label: "", emoji: "🔄" }],
      finalPrompt: "a boat --v 7",
      promptEn: "a boat in English",
    },
  };

  it("the object contains the request's own fields, times in ms and the vendor's customIds unchanged", () => {
    expect(mjTaskView(pointer, taskIn("SUCCESS", done))).toMatchObject({
      id: pointer.id,
      state: "s",
      prompt: "a boat",
      promptEn: "a boat in English",
      description: "/imagine a boat",
      submitTime: NOW,
      startTime: NOW + 1,
      finishTime: NOW + 2,
      imageUrl: "https://cdn.test/grid.png",
      imageUrls: [{ url: "https://cdn.test/1.png", thumbnail: "https://cdn.test/1s.png" }],
      videoUrl: "https://cdn.test/0.mp4",
      videoUrls: [{ url: "https://cdn.test/0.mp4" }, { url: "https://cdn.test/1.mp4" }],
      progress: "100%",
      failReason: null,
      buttons: [{ customId: "MJ::JOB::reroll::0::x::SOLO", label: "", emoji: "🔄", type: 2, style: 2 }],
      properties: { finalPrompt: "a boat --v 7" },
    });
  });

  it("the link of an archived copy replaces the vendor's link", () => {
    const copy = {
      key: "media/0",
      bytes: 1,
      sha256: "",
      contentType: "image/png",
      source: "https://cdn.test/grid.png",
    };
    const task = taskIn("SUCCESS", { ...done, copies: [copy] });
    const view = mjTaskView(pointer, task, (key) => `https://ours.test/${key}`);
    expect([view.imageUrl, view.imageUrls?.[0]?.url]).toEqual(["https://ours.test/media/0", "https://cdn.test/1.png"]);
    expect(mjTaskView(pointer, task).imageUrl).toBe("https://cdn.test/grid.png");
  });

  it("the text of a describe task is in the prompt and in finalPrompt, where clients look for it", () => {
    const text = "1️⃣ a paper boat\n\n2️⃣ an origami boat";
    const { prompt: _, ...unprompted } = pointer;
    const task = taskIn("SUCCESS", { action: "DESCRIBE", result: { promptEn: text } });
    const described = mjTaskView({ ...unprompted, action: "DESCRIBE" }, task);
    expect([described.prompt, described.promptEn, described.properties.finalPrompt]).toEqual([text, text, text]);
    const shortened = taskIn("SUCCESS", { action: "SHORTEN", result: { finalPrompt: text, prompt: "a boat" } });
    expect(mjTaskView(pointer, shortened)).toMatchObject({ prompt: "a boat", properties: { finalPrompt: text } });
  });

  it.each(["FAILURE", "CANCEL", "EXPIRED"] as const)("a task in %s always has a reason", (status) => {
    expect(mjTaskView(pointer, taskIn(status)).failReason).not.toBe("");
    expect(mjTaskView(pointer, taskIn(status, { failure: failure("vendor_lost") })).failReason).toContain("vendor");
    expect(mjTaskView(pointer, taskIn(status, { progress: 100 })).progress).toBe("99%");
  });

  it("failReason is null unless the task failed, because a relay ends a task that has a reason", () => {
    for (const status of STATUSES.filter((s) => !["FAILURE", "CANCEL", "EXPIRED"].includes(s))) {
      expect(mjTaskView(pointer, taskIn(status, { failure: failure("vendor_busy") })).failReason, status).toBeNull();
    }
  });

  it("the object contains no callback URL, token, id of the app, flow or vendor task", () => {
    const hook = "https://hooks.test/callbacks/1.k1.01K9ZC7T3R8M2V5X0Q4B6N1JHD.0.1.sim.default.x.p.mac";
    const vendor = { description: `cannot reach ${hook} now` };
    const raw = JSON.stringify({ notifyHook: hook });
    const task = taskIn("FAILURE", {
      ...done,
      failure: failure("vendor_failed", { vendor }),
      result: { ...done.result, raw, finalPrompt: `${hook}`, prompt: hook, description: hook },
    });
    const text = JSON.stringify(mjTaskView(pointer, task));
    for (const secret of ["/callbacks/", "1.k1", "theirs", "vendors-own", "app_a", FLOW]) {
      expect(text, secret).not.toContain(secret);
    }
    expect(text).toContain("cannot reach [callback] now");
  });
});

describe("task object without a stored task", () => {
  it("every field is present, and a field without a value is null", () => {
    expect(mjTaskView(pointer, undefined)).toStrictEqual({
      id: pointer.id,
      action: "IMAGINE",
      customId: null,
      botType: "MID_JOURNEY",
      prompt: "a boat",
      promptEn: "a boat",
      description: "/imagine a boat",
      state: "s",
      submitTime: NOW,
      startTime: null,
      finishTime: null,
      imageUrl: null,
      imageUrls: null,
      videoUrl: null,
      videoUrls: null,
      status: "NOT_START",
      progress: "0%",
      failReason: null,
      buttons: [],
      properties: { finalPrompt: null },
    });
  });

  it("the description is shown without a prompt too", () => {
    const { prompt: _, ...unprompted } = pointer;
    expect(mjTaskView({ ...unprompted, action: "SWAP_FACE" }, undefined)).toMatchObject({
      description: "/swap-face",
      prompt: null,
      promptEn: null,
    });
    const pressed = { ...pointer, description: "/up 1765432109876123 U2" };
    expect(mjTaskView(pressed, undefined).description).toBe("/up 1765432109876123 U2");
  });
});

describe("fields of the task object", () => {
  it("the vendor's action replaces the requested one, and the pressed customId is shown", () => {
    const task = taskIn("IN_PROGRESS", { action: "UPSCALE", customId: "MJ::1", progress: 31 });
    expect(mjTaskView(pointer, task)).toMatchObject({ action: "UPSCALE", customId: "MJ::1", progress: "31%" });
  });

  it("an open modal shows the final prompt that the vendor told with it", () => {
    const opened = taskIn("MODAL", { result: { finalPrompt: "a boat --v 7" } });
    expect(mjTaskView(pointer, opened).properties.finalPrompt).toBe("a boat --v 7");
  });

  it("the prompt of the modal answer is shown as the prompt", () => {
    expect(mjTaskView(pointer, taskIn("MODAL", { modal: { prompt: "zoomed" } }))).toMatchObject({
      prompt: "zoomed",
      status: "SUBMITTED",
    });
  });

  it.each([
    ["IMAGINE", undefined, "MID_JOURNEY"],
    ["IMAGINE", "NIJI_JOURNEY", "NIJI_JOURNEY"],
    ["SWAP_FACE", undefined, "INSIGHT_FACE"],
    ["SWAP_FACE", "NIJI_JOURNEY", "INSIGHT_FACE"],
  ] as const)("the bot of %s with botType %s is %s", (action, botType, bot) => {
    expect(mjTaskView({ ...pointer, action, botType }, undefined).botType).toBe(bot);
  });

  it("bannedWord is present only if the vendor named the word", () => {
    const banned = taskIn("FAILURE", { failure: failure("banned_prompt", { vendor: { bannedWord: "blood" } }) });
    expect(mjTaskView(pointer, banned).properties).toStrictEqual({ finalPrompt: null, bannedWord: "blood" });
    const other = taskIn("FAILURE", { failure: failure("vendor_failed") });
    expect(mjTaskView(pointer, other).properties).toStrictEqual({ finalPrompt: null });
  });

  it.each([
    ["DESCRIBE", { finalPrompt: "1. a boat" }, undefined, ["1. a boat", "1. a boat", "1. a boat"]],
    ["DESCRIBE", { prompt: "1. a boat" }, undefined, ["1. a boat", "1. a boat", "1. a boat"]],
    [
      "DESCRIBE",
      { promptEn: "1. a boat", finalPrompt: "1. a boat" },
      undefined,
      ["1. a boat", "1. a boat", "1. a boat"],
    ],
    [
      "SHORTEN",
      { promptEn: "a long boat", finalPrompt: "1. boat" },
      "a long boat",
      ["a long boat", "1. boat", "1. boat"],
    ],
    ["SHORTEN", { finalPrompt: "1. boat" }, "a long boat", ["a long boat", "1. boat", "1. boat"]],
    [
      "IMAGINE",
      { promptEn: "a boat", finalPrompt: "a boat --v 7" },
      "ein Boot",
      ["ein Boot", "a boat", "a boat --v 7"],
    ],
  ] as const)("prompt, promptEn and finalPrompt of %s with the result %o", (action, result, prompt, expected) => {
    const view = mjTaskView({ ...pointer, action, prompt }, taskIn("SUCCESS", { action, result }));
    expect([view.prompt, view.promptEn, view.properties.finalPrompt]).toEqual(expected);
  });

  it("finalPrompt contains the prompt text only for describe and shorten tasks", () => {
    const of = (action: string) =>
      mjTaskView(pointer, taskIn("SUCCESS", { action, result: { prompt: "words" } })).properties.finalPrompt;
    expect(["DESCRIBE", "SHORTEN", "IMAGINE"].map(of)).toEqual(["words", "words", null]);
    expect(mjTaskView(pointer, taskIn("SUBMITTED", { action: "SHORTEN" })).properties.finalPrompt).toBeNull();
  });

  it("videoUrl is null if the list of videos is empty", () => {
    expect(mjTaskView(pointer, taskIn("SUCCESS", { result: { videos: [] } }))).toMatchObject({
      videoUrl: null,
      videoUrls: [],
    });
  });

  it("callback URLs of mjflow are replaced, with http too", () => {
    const vendor = { description: "see http://mjflow.test/callbacks/1.k1.x and HTTPS://mjflow.test/callbacks/y" };
    const task = taskIn("FAILURE", { failure: failure("vendor_failed", { vendor }) });
    expect(mjTaskView(pointer, task).failReason).toBe("see [callback] and [callback]");
  });
});

describe("tiles in the compat API", () => {
  const copies = [{ key: "media/tile", bytes: 1, sha256: "", contentType: "image/png", source: "grid" }];
  const mediaUrl = (key: string) => `https://ours.test/${key}`;
  const shown = (more: Partial<Task>, url?: typeof mediaUrl) =>
    mjTaskView(pointer, taskIn("SUCCESS", { action: "TILE", copies, ...more }), url).imageUrl;

  it("a tile is shown with the link of its copy", () => {
    expect(shown({}, mediaUrl)).toBe("https://ours.test/media/tile");
  });

  it("there is no link without a copy, without mediaUrl, before the tile is cut and for other actions", () => {
    expect(shown({})).toBeNull();
    expect(shown({ copies: undefined }, mediaUrl)).toBeNull();
    expect(shown({ copies: [] }, mediaUrl)).toBeNull();
    expect(shown({ status: "PENDING" }, mediaUrl)).toBeNull();
    expect(shown({ action: "UPSCALE" }, mediaUrl)).toBeNull();
  });
});

it("imageUrl of a running task is its preview, and no ended or waiting task shows one", () => {
  const previewUrl = "https://x.test/preview.webp";
  const shown = (status: Task["status"], more: Partial<Task> = {}) =>
    mjTaskView(pointer, taskIn(status, { previewUrl, ...more })).imageUrl;
  expect(shown("IN_PROGRESS")).toBe(previewUrl);
  expect(shown("IN_PROGRESS", { previewUrl: undefined })).toBeNull();
  expect(shown("FAILURE")).toBeNull();
  expect(shown("SUBMITTED")).toBeNull();
  expect(shown("SUCCESS", { result: { imageUrl: "https://x.test/a.png" } })).toBe("https://x.test/a.png");
});
