import { defineDialect } from "../dialect.ts";

/**
 * AGICTO (docs/protocol.md 8.1 row 5): three verbs under /v1/mj, integer results. It documents neither notifyHook nor state.
 * It uses a relay similar to new-api, which forwards both fields if its operator allows them; `silent: true` simulates an
 * operator who does not. Its progress path is not published (docs/protocol.md 10.1), so fetch is assumed.
 */
export const agicto = defineDialect({
  id: "agicto",
  verbs: ["imagine", "action", "fetch"],
  prefixes: ["/v1/mj"],
  errors: "relay",
  integerResult: "all",
  properties: "empty",
  unknownTask: "relay-400",
  shape: "relay",
  reads: { notifyHook: true, state: false, accountFilter: false, enableRemix: false, links: true },
  actionNames: {},
});
