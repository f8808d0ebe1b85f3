import { defineDialect, MODE_PREFIXES } from "../dialect.ts";

/**
 * trueai-org/midjourney-proxy (docs/protocol.md 2.3, 5.2). It has the largest task object, 404 for a missing parent, 204 for
 * an unknown id and code 9 for a full queue. Banned words fail later. Final callbacks are sent twice. The verb modal does
 * not check for MODAL.
 */
export const trueai = defineDialect({
  id: "trueai",
  verbs: [
    "imagine",
    "action",
    "modal",
    "blend",
    "describe",
    "shorten",
    "swap-face",
    "upload",
    "edits",
    "retexture",
    "video",
    "fetch",
    "list-by-condition",
    "list-by-ids",
    "list",
    "image-seed",
    "cancel",
  ],
  prefixes: MODE_PREFIXES,
  auth: { headers: ["authorization", "mj-api-secret"], optional: false },
  errors: "trueai",
  words: {
    accepted: "提交成功",
    queued: (ahead) => `排队中，前面还有${ahead}个任务`,
    modal: "Waiting for window confirm",
  },
  properties: "instance+channel",
  modalProperties: "remix",
  queueFullCode: 9,
  listed: 100,
  unknownTask: "empty-204",
  shape: "trueai",
  callbackShape: "trueai",
  contentType: "application/json; charset=utf-8",
  reads: { notifyHook: true, state: true, accountFilter: true, enableRemix: true, links: true },
  limits: { state: 255, notifyHook: 2_000 },
  bannedWords: "fail",
  actionNames: {
    HIGH_VARIATION: "VARIATION",
    LOW_VARIATION: "VARIATION",
    CUSTOM_ZOOM: "ZOOM",
    INPAINT: "VARIATION",
  },
  rerollKeepsAction: true,
  refusesPress: (customId) => customId.includes("PromptAnalyzer"),
  imagineAll: true,
  video: { needsMotion: false, needsPrompt: true, options: true },
  row: "v7",
  doublesTerminal: true,
  cancelStatus: "FAILURE",
  modalChecksStatus: false,
  // DiscordWebSocketService sets promptEn and properties.finalPrompt.
  describeTexts: ["promptEn"],
});
