import { dialect } from "../dialect.ts";

/**
 * The `/v1/mj` document has imagine, action, a progress query and integer results, but neither notifyHook nor state. We
 * send both fields, because all servers that we know ignore unknown fields. mjflow observes whether callbacks come.
 */
export const agicto = dialect({
  id: "agicto",
  title: "AGICTO (/v1/mj)",
  sources: ["agicto.apifox.cn/282830115e0", "agicto.com/docs/api-reference/images/midjourney/action"],
  prefix: "/v1/mj",
  operations: ["imagine", "action", "fetch"],
  mode: "prompt",
  accountFilter: false,
  chooseSameChannel: false,
  notifyHook: "unknown",
});
