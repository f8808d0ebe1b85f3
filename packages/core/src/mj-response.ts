/**
 * Schemas of the responses and notifications of the compat API (docs/protocol.md 2 and 3). Like `response.ts`, no deployed
 * function imports this file.
 */
import * as z from "zod/mini";
import { component } from "./component.ts";

const text = z.string();
const maybe = z.nullable;
/** Epoch ms. */
const time = z.int();

export const MjAnswer = component(
  "MjAnswer",
  "Response to a submission, as servers of the midjourney-proxy family send it.",
  {
    code: [
      z.int(),
      "1: accepted. 3: no vendor account, or for reads: not found. 4: a field is wrong. 9: failed. 21: waits for `submit/modal`. 23: busy, try again later. 24: the prompt contains a banned word.",
    ],
    description: [text, "Text for people. It names the wrong field."],
    result: [
      maybe(z.union([text, z.array(text)])),
      "Id of the task as text, links of an upload, or a seed; null after an error.",
    ],
    properties: [z.record(text, z.unknown()), "With code 21: `finalPrompt` and `remix`. With code 24: `bannedWord`."],
  },
);

const Media = z.strictObject({ url: text, thumbnail: z.optional(text) });

export const MjButton = component("MjButton", "A button of a task.", {
  customId: [text, "Id of the button, for `submit/action`."],
  emoji: [text, "Emoji of the button; may be empty."],
  label: [text, "Label of the button; may be empty."],
  type: [z.number(), "Always 2."],
  style: [z.number(), "Always 2."],
});

export const MjTask = component(
  "MjTask",
  "The task object. Every field is present; null means that there is no value.",
  {
    id: [text, "Id of the task, as it was requested."],
    action: [
      text,
      "`IMAGINE`, `UPSCALE`, `VARIATION`, `REROLL`, `BLEND`, `DESCRIBE`, `SHORTEN`, `SWAP_FACE`, …. `ACTION` until the press is known.",
    ],
    customId: [maybe(text), "`customId` of the pressed button."],
    botType: [z.enum(["MID_JOURNEY", "NIJI_JOURNEY", "INSIGHT_FACE"]), "The bot."],
    prompt: [maybe(text), "The prompt as it was sent."],
    promptEn: [maybe(text), "The prompt as the vendor uses it, or the text result of a describe or shorten."],
    description: [text, "The command, for example `/imagine …` or `/up …`."],
    state: [maybe(text), "Your own text, unchanged."],
    submitTime: [time, "Time of the request, in milliseconds since 1970."],
    startTime: [maybe(time), "Time when the vendor accepted the task, in milliseconds since 1970."],
    finishTime: [maybe(time), "Time when the task ended, in milliseconds since 1970."],
    imageUrl: [maybe(text), "Link to mjflow's archived copy if there is one, otherwise the vendor's link."],
    imageUrls: [maybe(z.array(Media)), "All images, if the vendor returns several."],
    videoUrl: [maybe(text), "Link to the first video."],
    videoUrls: [maybe(z.array(Media)), "All videos."],
    status: [
      z.enum(["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL"]),
      "Status of the task. The native status `EXPIRED` is `FAILURE` here.",
    ],
    progress: [text.check(z.regex(/^\d{1,3}%$/)), "`0%` to `100%`. Only a successful task has `100%`."],
    failReason: [maybe(text), "Reason of a failure. It is never empty for a failed task."],
    buttons: [z.array(MjButton), "Buttons that can be pressed with `submit/action`."],
    properties: [
      z.strictObject({ finalPrompt: maybe(text), bannedWord: z.optional(text) }),
      "`finalPrompt`: the prompt that Midjourney used. `bannedWord`: the word because of which the prompt was rejected.",
    ],
  },
);
