import { dialect } from "../dialect.ts";

/**
 * The `/v1/mj` document: imagine, action and a progress query, integer results, neither notifyHook nor state. Both are
 * sent all the same, unknown fields being ignored by every server read; whether a callback comes is learned.
 */
export const agicto = dialect({
  id: "agicto",
  title: "AGICTO (/v1/mj)",
  sources: ["agicto.apifox.cn/282830115e0", "agicto.com/docs/api-reference/images/midjourney/action"],
  prefix: "/v1/mj",
  verbs: ["imagine", "action", "fetch"],
  mode: "prompt",
  accountFilter: false,
  chooseSameChannel: false,
  notifyHook: "unknown",
});
