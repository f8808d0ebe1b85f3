import { defineDialect, LOOKUP_VERBS, MODE_PREFIXES, SUBMIT_VERBS } from "../dialect.ts";

/** The ideal vendor: plus without deviations, all verbs of the family, an optional key. */
export const simulator = defineDialect({
  id: "simulator",
  verbs: [...SUBMIT_VERBS, ...LOOKUP_VERBS, "cancel"],
  prefixes: MODE_PREFIXES,
  auth: { headers: ["authorization", "mj-api-secret"], optional: true },
  reads: { notifyHook: true, state: true, accountFilter: true, enableRemix: true, links: true },
  imagineAll: true,
  row: "v6+video",
});
