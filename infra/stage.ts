/** Everything in which one stage differs from another; no other file here asks for the stage's name. */

const production = $app.stage === "production";

export const stage = {
  production,
  name: $app.stage,
  /** Before the names of what is named by hand. */
  prefix: `${$app.name}-${$app.stage}`,
  /**
   * The receiver's own share of the account's concurrency: a flood at the API cannot starve callbacks, and a flood of
   * callbacks cannot starve the rest. Elsewhere none is set aside: a new account has 10 in all, AWS wants 100 of them
   * left unreserved, and a deployment that reserves any would fail.
   */
  callbackConcurrency: production ? 100 : undefined,
  /**
   * Workers at once, each with a batch. The first bounds what vendors get from us at one moment, the second what apps'
   * receivers do, the third how many pictures are fetched. AWS's minimum is 2.
   */
  submitConcurrency: production ? 20 : 2,
  deliverConcurrency: production ? 20 : 2,
  archiveConcurrency: production ? 20 : 2,
  /**
   * Of what Lambda itself writes. A line at each start and end of an invocation is INFO, and would cost more than all of
   * our own; what failed is WARN.
   */
  systemLogLevel: production ? "WARN" : "INFO",
  logRetention: production ? ("3 months" as const) : ("1 week" as const),
  /** As long as the flows that show them are kept: KEPT_MS of `packages/store/src/keys.ts`. */
  mediaDays: 90,
  /** Write units of the table in five minutes that nobody meant: at list price $0.625 a million (us-east-1). */
  writeUnitsIn5Min: production ? 600_000 : 60_000,
};
