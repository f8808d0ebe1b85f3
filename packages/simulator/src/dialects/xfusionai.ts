import { defineDialect, MODE_PREFIXES } from "../dialect.ts";

/** xfusionai (docs/protocol.md 8.1 row 4): code and properties are strings, the mode is in the path, the key is optional. */
export const xfusionai = defineDialect({
  id: "xfusionai",
  verbs: [
    "imagine",
    "action",
    "modal",
    "blend",
    "describe",
    "shorten",
    "swap-face",
    "upload",
    "fetch",
    "list-by-condition",
    "image-seed",
  ],
  prefixes: MODE_PREFIXES,
  auth: { headers: ["authorization"], optional: true },
  words: { accepted: "Submitted successfully", queued: (ahead) => `排队中，前面还有${ahead}个任务`, modal: "窗口等待" },
  codeType: "string",
  properties: "string",
});
