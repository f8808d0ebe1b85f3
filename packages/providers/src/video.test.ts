/** The buttons that mjflow adds for presses by /submit/video, and the requests of those presses. */
import type { Result } from "@mjflow/core/report";
import { describe, expect, it } from "vitest";
import { videoBody, videoButtons, videoPressOf } from "./video.ts";

const button = (customId: string) => ({ customId, label: "", emoji: "" });
const select = (n: number) => button(`MJ::JOB::video_virtual_upscale::${n}::x`);
const ids = (action: string | undefined, result: Result, canAnimate = true) =>
  videoButtons(action, result, canAnimate).map(({ customId }) => customId.slice("mjflow::video::".length));
const film = { url: "https://x.test/a.mp4" };

describe("the buttons that a vendor with video requests does not show", () => {
  it("each video of a result can be extended with both motions", () => {
    expect(ids("VIDEO", { videos: [film, film] })).toEqual([
      "extend::high::1",
      "extend::low::1",
      "extend::high::2",
      "extend::low::2",
    ]);
    expect(ids("VIDEO", { videos: Array(9).fill(film) })).toHaveLength(8);
  });

  it("a grid of videos that is one animated picture has as many videos as it has buttons to select one", () => {
    const buttons = [1, 2, 3, 4].map(select);
    expect(ids("VIDEO", { imageUrl: "https://x.test/grid.webp", buttons })).toHaveLength(8);
    expect(ids("VIDEO", { imageUrl: "https://x.test/grid.webp" })).toHaveLength(2);
  });

  it("a video whose vendor shows a button to extend it gets none", () => {
    const buttons = [button("MJ::JOB::animate_high_extend::1::x")];
    expect(ids("UPSCALE", { videos: [film], buttons })).toEqual([]);
  });

  it("a single image can be animated if the vendor refuses the customId for that", () => {
    const single = { imageUrl: "https://x.test/a.png", buttons: [button("MJ::Outpaint::50::1::x")] };
    expect(ids("UPSCALE", single)).toEqual(["animate::high::1", "animate::low::1"]);
    expect(ids("UPSCALE", single, false)).toEqual([]);
    expect(ids("UPSCALE", { ...single, buttons: [button("MJ::JOB::animate_low::1::x")] })).toEqual([]);
    expect(ids("UPSCALE", { buttons: [] })).toEqual([]);
  });

  it.each(["IMAGINE", "EDITS", "DESCRIBE", "SWAP_FACE", undefined])("a result of %s gets none", (action) => {
    expect(ids(action, { imageUrl: "https://x.test/a.png" })).toEqual([]);
  });

  it("a grid that a server calls UPSCALE gets none, because Midjourney would animate a collage", () => {
    expect(ids("UPSCALE", { imageUrl: "https://x.test/a.png", buttons: [button("MJ::JOB::upsample::1::x")] })).toEqual(
      [],
    );
  });

  it("labels are different for each video, and those of the first are Midjourney's own", () => {
    const labels = videoButtons("VIDEO", { videos: [film, film] }, true).map(({ label }) => label);
    expect(labels).toEqual([
      "Extend (High motion)",
      "Extend (Low motion)",
      "Extend (High motion) 2",
      "Extend (Low motion) 2",
    ]);
  });
});

describe("a press by /submit/video", () => {
  const press = (customId: string, more: object = {}) => videoPressOf({ vendorTaskId: "7", customId, ...more }, false);

  it("extends the video whose index begins at 0", () => {
    expect(press("mjflow::video::extend::low::3")).toEqual({ action: "extend", taskId: "7", index: 2, motion: "low" });
    expect(press("mjflow::video::extend::high::1", { prompt: "closer" })).toEqual({
      action: "extend",
      taskId: "7",
      index: 0,
      motion: "high",
      prompt: "closer",
    });
  });

  it("has the prompt of the parent without the flags of its video, if the vendor refuses a video without a prompt", () => {
    const extend = (parentPrompt?: string, prompt?: string) =>
      videoPressOf(
        {
          vendorTaskId: "7",
          customId: "mjflow::video::extend::low::1",
          ...(parentPrompt !== undefined && { parentPrompt }),
          ...(prompt !== undefined && { prompt }),
        },
        true,
      );
    const flags = "--motion high --ar 3:2 --video 1 --bs 2 --end https://x.test/b.png";
    expect(extend(`slow drift ${flags}`)).toMatchObject({ prompt: "slow drift --ar 3:2", motion: "low" });
    expect(extend("--loop --video")).toMatchObject({ prompt: "" });
    expect(extend("a --videotape --loops")).toMatchObject({ prompt: "a --videotape --loops" });
    expect(extend("slow drift", "closer")).toMatchObject({ prompt: "closer" });
    expect(extend()).toMatchObject({ prompt: "" });
  });

  it("animates the image of the parent", () => {
    const imageUrl = "https://x.test/a.png";
    expect(press("mjflow::video::animate::high::1", { imageUrl })).toEqual({ image: imageUrl, motion: "high" });
    expect(press("mjflow::video::animate::high::1")).toBe("no image");
  });

  it.each([
    "MJ::JOB::animate_high::1::x::SOLO",
    "mjflow::change::UPSCALE::1",
    "mjflow::video::animate::wild::1",
    "mjflow::video::extend::low::5",
  ])("%s is no such press", (customId) => expect(press(customId)).toBeUndefined());
});

it("a root has the motion that the request leaves out, because some vendors require it", () => {
  const call = { action: "video", inputs: { image: "data:…" } } as const;
  expect(videoBody(call, "")).toEqual({ image: "data:…", motion: "low" });
  const video = { motion: "high", loop: true, batchSize: 2, videoType: "vid_1.1_i2v_720" } as const;
  expect(videoBody({ ...call, video }, "waves")).toEqual({ prompt: "waves", image: "data:…", ...video });
  expect(videoBody({ ...call, inputs: { image: "a", endImage: "b" } }, "")).toMatchObject({
    image: "a",
    endImage: "b",
  });
});

it.each(["xmjflow::video::animate::high::1", "mjflow::video::animate::high::1x", "mjflow::video::animate::high::5"])(
  "the customId %s is none of ours",
  (customId) =>
    expect(videoPressOf({ vendorTaskId: "1", customId, imageUrl: "https://x.test/a.png" }, false)).toBeUndefined(),
);
