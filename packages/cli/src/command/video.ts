/** `mjflow video`, `mjflow edit` and `mjflow retexture`: create a flow from one image, and follow it. */
import { type Command, command, type Option } from "../command.ts";
import { createFlow, FLOW_OPTIONS } from "../create-flow.ts";
import { imageOf, maskOf } from "../image.ts";
import { parseChoice } from "../option.ts";

const MOTIONS = ["low", "high"] as const;
const BATCH_SIZES = ["1", "2", "4"] as const;

const VIDEO_OPTIONS = {
  ...FLOW_OPTIONS,
  motion: { type: "string", value: "MOTION", help: "low (default) or high", choices: MOTIONS },
  "end-image": { type: "string", value: "FILE|URL", help: "last frame of the video" },
  loop: { type: "boolean", help: "end with the first frame" },
  "batch-size": {
    type: "string",
    value: "N",
    help: "number of videos: 1, 2 or 4; default: the vendor's, which is 4",
    choices: BATCH_SIZES,
  },
  "video-type": { type: "string", value: "TYPE", help: "the vendor's name of the model, such as vid_1.1_i2v_720" },
} as const satisfies Record<string, Option>;

export const video = command({
  name: "video",
  summary: "make a video of an image",
  usage: ['FILE|URL ["prompt"] [--motion high] [--then PRESSES]…'],
  argCount: [1, 2],
  options: VIDEO_OPTIONS,
  files: true,
  notes: `
The image must be one image: Midjourney animates a grid as a collage of four.

  mjflow video boat.png "slow drift" --then extend:low:1`,
  run(context, { values, positionals: [image = "", prompt] }) {
    const { cwd } = context.platform;
    const { motion, loop, "end-image": endImage, "batch-size": batchSize, "video-type": videoType } = values;
    const count = parseChoice("--batch-size", batchSize, BATCH_SIZES);
    return createFlow(context, values, {
      action: "video",
      image: imageOf(image, cwd, "The image"),
      ...(prompt !== undefined && { prompt }),
      ...(motion !== undefined && { motion: parseChoice("--motion", motion, MOTIONS)! }),
      ...(endImage !== undefined && { endImage: imageOf(endImage, cwd, "--end-image") }),
      ...(loop && { loop }),
      ...(count !== undefined && { batchSize: Number(count) as 1 | 2 | 4 }),
      ...(videoType !== undefined && { videoType }),
    });
  },
});

const EDIT_OPTIONS = {
  ...FLOW_OPTIONS,
  mask: { type: "string", value: "FILE", help: "PNG; white regions are regenerated, black regions are kept" },
} as const satisfies Record<string, Option>;

export const edit = command({
  name: "edit",
  summary: "edit an image by a prompt",
  usage: ['FILE|URL "prompt" [--mask FILE] [--then PRESSES]…'],
  argCount: [2, 2],
  options: EDIT_OPTIONS,
  files: true,
  run(context, { values, positionals: [image = "", prompt = ""] }) {
    const { cwd } = context.platform;
    return createFlow(context, values, {
      action: "edit",
      image: imageOf(image, cwd, "The image"),
      prompt,
      ...(values.mask !== undefined && { maskBase64: maskOf(values.mask, cwd, "--mask") }),
    });
  },
});

export const retexture: Command = command({
  name: "retexture",
  summary: "give an image another material",
  usage: ['FILE|URL "prompt" [--then PRESSES]…'],
  argCount: [2, 2],
  options: FLOW_OPTIONS,
  files: true,
  run: (context, { values, positionals: [image = "", prompt = ""] }) =>
    createFlow(context, values, {
      action: "retexture",
      image: imageOf(image, context.platform.cwd, "The image"),
      prompt,
    }),
});
