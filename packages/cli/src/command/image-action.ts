/** `mjflow blend`, `describe`, `shorten` and `swap-face`: the root actions without options of their own. */
import { type Command, command, type Option } from "../command.ts";
import { createFlow, FLOW_OPTIONS } from "../create-flow.ts";
import { imageOf } from "../image.ts";
import { parseChoice } from "../option.ts";

const DIMENSIONS = ["portrait", "square", "landscape"] as const;

export const blend = command({
  name: "blend",
  summary: "mix two to five images",
  usage: ["FILE|URL FILE|URL… [--dimensions square] [--then PRESSES]…"],
  argCount: [2, 5],
  options: {
    ...FLOW_OPTIONS,
    dimensions: { type: "string", value: "SHAPE", help: "portrait, square or landscape", choices: DIMENSIONS },
  } as const satisfies Record<string, Option>,
  files: true,
  run(context, { values, positionals }) {
    const dimensions = parseChoice("--dimensions", values.dimensions, DIMENSIONS);
    return createFlow(context, values, {
      action: "blend",
      base64Array: positionals.map((image) => imageOf(image, context.platform.cwd, "The image")),
      ...(dimensions !== undefined && {
        dimensions: dimensions.toUpperCase() as Uppercase<typeof dimensions>,
      }),
    });
  },
});

export const describe: Command = command({
  name: "describe",
  summary: "get prompts for an image",
  usage: ["FILE|URL"],
  argCount: [1, 1],
  options: FLOW_OPTIONS,
  files: true,
  run: (context, { values, positionals: [image = ""] }) =>
    createFlow(context, values, {
      action: "describe",
      base64Array: [imageOf(image, context.platform.cwd, "The image")],
    }),
});

export const shorten: Command = command({
  name: "shorten",
  summary: "get shorter forms of a prompt",
  usage: ['"prompt"'],
  argCount: [1, 1],
  options: FLOW_OPTIONS,
  run: (context, { values, positionals: [prompt = ""] }) => createFlow(context, values, { action: "shorten", prompt }),
});

export const swapFace: Command = command({
  name: "swap-face",
  summary: "put the face of one image into another image",
  usage: ["FACE-FILE|URL TARGET-FILE|URL"],
  argCount: [2, 2],
  options: FLOW_OPTIONS,
  files: true,
  run(context, { values, positionals: [face = "", target = ""] }) {
    const { cwd } = context.platform;
    return createFlow(context, values, {
      action: "swap-face",
      sourceBase64: imageOf(face, cwd, "The image of the face"),
      targetBase64: imageOf(target, cwd, "The target image"),
    });
  },
});
