import { ALL_OPERATIONS, dialect } from "../dialect.ts";

/**
 * Self-hosted .NET server. A task has about 70 fields. An upscale may already have ended in the submit response, without
 * any callback. Final callbacks are sent twice. change and simple-change were removed in 2025-12. `GET /task/list` has
 * the latest hundred tasks of all users, with `state`; on a busy server these cover about a minute.
 */
export const trueai = dialect({
  id: "trueai",
  title: "midjourney-proxy (trueai-org)",
  sources: ["github.com/trueai-org/midjourney-proxy ed32197 (v11.10.3)"],
  auth: "mj-api-secret",
  operations: [...ALL_OPERATIONS.filter((operation) => operation !== "change"), "video", "edit", "retexture"],
  // Its edits have no mask (Dto/SubmitEditsDTO), and its video controller requires a prompt.
  optionalFields: ["endImage", "loop", "batchSize", "videoType"],
  promptActions: ["video"],
  // Its controller refuses PromptAnalyzer (docs/protocol.md 4.6).
  unsupportedPresses: ["shorten"],
  search: ["recent"],
  recentLimit: 100,
  instantActions: ["UPSCALE"],
  remix: "enableRemix",
});
