import { defineDialect } from "../dialect.ts";

/**
 * AGICTO (PROTOCOL 8.1 row 5): three verbs under /v1/mj, every result an integer. Documents neither notifyHook nor
 * state, so it reads neither: it works by look-up only. Its progress path is unpublished (PROTOCOL 10.1); fetch is assumed.
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
  reads: { notifyHook: false, state: false, accountFilter: false, enableRemix: false, links: true },
  actionNames: {},
});
