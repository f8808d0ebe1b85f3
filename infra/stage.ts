/** All differences between stages. No other file in this folder reads the name of the stage. */
import { account } from "./account.ts";
import { sizesOf } from "./size.ts";

const production = $app.stage === "production";

export const stage = {
  production,
  name: $app.stage,
  /** Prefix of the resource names that we choose ourselves. */
  prefix: `${$app.name}-${$app.stage}`,
  /** The settings of `size.ts`. An invalid one stops the deployment here. */
  ...sizesOf(production, process.env, account.lambdaQuota),
  /**
   * Level of the lines that Lambda itself logs. The lines at each start and end of an invocation are INFO and would
   * cost more than all our own lines. Failures are WARN.
   */
  systemLogLevel: production ? "WARN" : "INFO",
  logRetention: production ? ("3 months" as const) : ("1 week" as const),
  /** Days that archived images are stored: as long as their flows, RETENTION_MS in `packages/store/src/keys.ts`. */
  mediaDays: 35,
};

/**
 * Reserves concurrency of the AWS account for a function with a queue: as much as its mapping can use.
 *
 * @returns arguments of the function
 */
export function reservedFor(workers: number): { concurrency?: { reserved: number } } {
  return stage.reservesWorkers ? { concurrency: { reserved: workers } } : {};
}
