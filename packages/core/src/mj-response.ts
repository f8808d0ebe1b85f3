/**
 * Schemas of the responses and notifications of the compat API (docs/protocol.md 2 and 3). Like `response.ts`, no deployed
 * function imports this file.
 */
import * as z from "zod/mini";

const text = z.string();
const maybe = z.nullable;
/** Epoch ms. */
const time = z.int();

export const MjAnswer = z.strictObject({
  code: z.int(),
  description: text,
  result: maybe(z.union([text, z.array(text)])),
  properties: z.record(text, z.unknown()),
});

const Media = z.strictObject({ url: text, thumbnail: z.optional(text) });

export const MjButton = z.strictObject({
  customId: text,
  emoji: text,
  label: text,
  type: z.number(),
  style: z.number(),
});

export const MjTask = z.strictObject({
  id: text,
  action: text,
  customId: maybe(text),
  botType: z.enum(["MID_JOURNEY", "NIJI_JOURNEY", "INSIGHT_FACE"]),
  prompt: maybe(text),
  promptEn: maybe(text),
  description: text,
  state: maybe(text),
  submitTime: time,
  startTime: maybe(time),
  finishTime: maybe(time),
  imageUrl: maybe(text),
  imageUrls: maybe(z.array(Media)),
  videoUrl: maybe(text),
  videoUrls: maybe(z.array(Media)),
  status: z.enum(["NOT_START", "SUBMITTED", "MODAL", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL"]),
  progress: text.check(z.regex(/^\d{1,3}%$/)),
  failReason: maybe(text),
  buttons: z.array(MjButton),
  properties: z.strictObject({ finalPrompt: maybe(text), bannedWord: z.optional(text) }),
});
