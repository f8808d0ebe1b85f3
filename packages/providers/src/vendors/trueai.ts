import { dialect, EVERY_VERB } from "../dialect.ts";

/**
 * Self-hosted .NET: about 70 fields a task, upscales that can be finished in the submit answer with no callback, terminal
 * callbacks sent twice, change and simple-change removed in 2025-12. `GET /task/list` shows the latest hundred with state,
 * of all the server's users: on a busy one that is a minute's worth.
 */
export const trueai = dialect({
  id: "trueai",
  title: "midjourney-proxy (trueai-org)",
  sources: ["github.com/trueai-org/midjourney-proxy ed32197 (v11.10.3)"],
  auth: "mj-api-secret",
  verbs: EVERY_VERB.filter((verb) => verb !== "change" && verb !== "simple-change"),
  search: ["recent"],
  instantActions: ["UPSCALE"],
});
