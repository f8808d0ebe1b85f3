/** All differences between stages. No other file in this folder reads the name of the stage. */

const production = $app.stage === "production";

export const stage = {
  production,
  name: $app.stage,
  /** Prefix of the resource names that we choose ourselves. */
  prefix: `${$app.name}-${$app.stage}`,
  /**
   * Concurrency of the AWS account that is reserved for the Callback function. Too many API requests cannot starve
   * callbacks, and too many callbacks cannot starve the rest. Only production reserves any. A new account has 10 in
   * total, and AWS requires 100 unreserved, so a deployment that reserves any would fail there.
   */
  callbackConcurrency: production ? 100 : undefined,
  /**
   * Highest number of concurrent workers, each with one batch. The limits apply to concurrent requests to vendors, to
   * webhook receivers of apps, and to concurrent image downloads. AWS's minimum is 2.
   */
  submitConcurrency: production ? 20 : 2,
  deliverConcurrency: production ? 20 : 2,
  archiveConcurrency: production ? 20 : 2,
  /**
   * Level of the lines that Lambda itself logs. The lines at each start and end of an invocation are INFO and would
   * cost more than all our own lines. Failures are WARN.
   */
  systemLogLevel: production ? "WARN" : "INFO",
  logRetention: production ? ("3 months" as const) : ("1 week" as const),
  /** Days that archived images are stored: as long as their flows, RETENTION_MS in `packages/store/src/keys.ts`. */
  mediaDays: 90,
  /** Alarm threshold for write units of the table in five minutes; list price $0.625 per million (us-east-1). */
  writeUnitsIn5Min: production ? 600_000 : 60_000,
};
