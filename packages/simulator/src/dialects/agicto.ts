import { defineDialect } from "../dialect.ts";

/**
 * AGICTO (docs/protocol.md 8.1 row 5): three verbs under /v1/mj, every result an integer. Documents neither notifyHook nor
 * state. Behind it stands a relay of new-api's kind, which hands both on where its operator allows; `silent: true` is the
 * vendor whose operator does not. Its progress path is unpublished (docs/protocol.md 10.1); fetch is assumed.
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
