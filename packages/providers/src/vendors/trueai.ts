import { dialect, ROUTES, type Verb } from "../dialect.ts";

/**
 * Self-hosted .NET: about 70 fields a task, upscales that can be finished in the submit answer with no callback, terminal
 * callbacks sent twice, change and simple-change removed in 2025-12; `GET /task/list` shows the latest hundred with state.
 */
export const trueai = dialect({
  id: "trueai",
  title: "midjourney-proxy (trueai-org)",
  sources: ["github.com/trueai-org/midjourney-proxy ed32197 (v11.10.3)"],
  auth: "mj-api-secret",
  verbs: (Object.keys(ROUTES) as Verb[]).filter((verb) => verb !== "change" && verb !== "simple-change"),
  searchByState: true,
  instantActions: ["UPSCALE"],
});
