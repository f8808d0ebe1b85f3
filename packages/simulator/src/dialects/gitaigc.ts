import { defineDialect } from "../dialect.ts";

/** gitaigc, "Chat OpenAI 中文文档" (docs/protocol.md 8.2): accountFilter on action, integer result in the sample, sometimes 201. */
export const gitaigc = defineDialect({
  id: "gitaigc",
  verbs: [
    "imagine",
    "action",
    "modal",
    "blend",
    "describe",
    "swap-face",
    "upload",
    "fetch",
    "list-by-condition",
    "image-seed",
  ],
  integerResult: new Set(["action"]),
  properties: "empty",
  unknownTask: "empty-404",
  createdShare: 0.25,
});
