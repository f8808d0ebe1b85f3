import { defineDialect, LOOKUP_VERBS, MODE_PREFIXES, SUBMIT_VERBS } from "../dialect.ts";

/** The vendor as one would wish it: plus without quirks, every verb of the family, a key if you like. */
export const simulator = defineDialect({
  id: "simulator",
  verbs: [...SUBMIT_VERBS, ...LOOKUP_VERBS, "cancel"],
  prefixes: MODE_PREFIXES,
  auth: { headers: ["authorization", "mj-api-secret"], optional: true },
  reads: { notifyHook: true, state: true, accountFilter: true, enableRemix: true, links: true },
  imagineAll: true,
  row: "v6+video",
});
