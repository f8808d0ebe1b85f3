/**
 * Sizes of a stage: concurrency of its functions, throughput of its table, and the alarms that follow from them. Pure, so
 * `infra/stage.ts` and the capacity model (`npm run scale`) use the same numbers.
 *
 * `docs/operations.md` has a table of sizes for 10, 100 and 1,000 flows per second.
 */
import { MAX_DUE_SHARDS } from "../packages/core/src/due.ts";

export interface Sizes {
  /** Highest number of concurrent executions of Callback, reserved for it. Unset: no reservation, and no limit. */
  callbackConcurrency: number | undefined;
  /** Highest number of concurrent workers of each queue (`maximumConcurrency` of its mapping). AWS's minimum is 2. */
  submitConcurrency: number;
  deliverConcurrency: number;
  archiveConcurrency: number;
  /** Highest number of concurrent sweep workers, those for repairs included. At least 4. */
  sweepConcurrency: number;
  /** Highest number of concurrent executions of Stream: open event streams and long polls. */
  streamConcurrency: number;
  /**
   * True: the same number of executions is reserved for each function with a queue. Then no other function can take them,
   * and Lambda never throttles a worker. A throttled receive would count towards the dead letters.
   */
  reservesWorkers: boolean;
  /** Concurrent executions that AWS grants the account in this region (a quota). */
  lambdaQuota: number;
  /** Number of shards of each class of the due index that are written; 0: the layout of versions without classes. */
  dueShards: number | undefined;
  /** Write and read units per second that the table accepts from the first second. Unset: what AWS gives a new table. */
  warmWriteUnits: number | undefined;
  warmReadUnits: number | undefined;
  /** Write units per second, as the average of 15 minutes, above which the alarm `WriteRateHigh` fires. */
  alarmWriteUnits: number;
}

type Env = Record<string, string | undefined>;

/** AWS keeps this much concurrency of an account for functions without a reservation. */
const UNRESERVED_MIN = 100;
/** A new on-demand table accepts this much. AWS rejects a smaller warm throughput. */
const NEW_TABLE = { writeUnits: 4_000, readUnits: 12_000 };

/** Sizes without settings. A new AWS account has 10 concurrent executions, so other stages reserve none. */
const DEFAULT = {
  production: { callback: 100, submit: 200, deliver: 100, archive: 50, sweep: 32, stream: 100, alarmWriteUnits: 2_000 },
  other: { callback: undefined, submit: 2, deliver: 2, archive: 2, sweep: 4, stream: 2, alarmWriteUnits: 200 },
};

/** @throws Error that names the setting, if a value is invalid or the account cannot have it */
export function sizesOf(production: boolean, env: Env): Sizes {
  const unset = production ? DEFAULT.production : DEFAULT.other;
  const workers = (name: string) => count(env, name, 2, 10_000);
  const sizes: Sizes = {
    callbackConcurrency: count(env, "MJFLOW_CALLBACK_CONCURRENCY", 1, 100_000) ?? unset.callback,
    submitConcurrency: workers("MJFLOW_SUBMIT_CONCURRENCY") ?? unset.submit,
    deliverConcurrency: workers("MJFLOW_DELIVER_CONCURRENCY") ?? unset.deliver,
    archiveConcurrency: workers("MJFLOW_ARCHIVE_CONCURRENCY") ?? unset.archive,
    sweepConcurrency: count(env, "MJFLOW_SWEEP_CONCURRENCY", 4, 10_000) ?? unset.sweep,
    streamConcurrency: count(env, "MJFLOW_STREAM_CONCURRENCY", 1, 10_000) ?? unset.stream,
    reservesWorkers: choice(env, "MJFLOW_RESERVE_WORKERS") ?? production,
    lambdaQuota: count(env, "MJFLOW_LAMBDA_QUOTA", 10, 1_000_000) ?? 1_000,
    dueShards: count(env, "MJFLOW_DUE_SHARDS", 0, MAX_DUE_SHARDS),
    warmWriteUnits: count(env, "MJFLOW_WARM_WRITE_UNITS", NEW_TABLE.writeUnits, 10_000_000),
    warmReadUnits: count(env, "MJFLOW_WARM_READ_UNITS", NEW_TABLE.readUnits, 10_000_000),
    alarmWriteUnits: count(env, "MJFLOW_ALARM_WRITE_UNITS", 1, 10_000_000) ?? unset.alarmWriteUnits,
  };
  const reserved = reservedOf(sizes);
  if (reserved > 0 && reserved + UNRESERVED_MIN > sizes.lambdaQuota) {
    throw new Error(
      `MJFLOW_LAMBDA_QUOTA is ${sizes.lambdaQuota}, but the functions reserve ${reserved} and AWS requires ` +
        `${UNRESERVED_MIN} unreserved. Raise the quota of the account and set it, or lower the concurrency`,
    );
  }
  return sizes;
}

/** Number of the sweep workers that handle only repairs. */
export function repairWorkersOf({ sweepConcurrency }: Pick<Sizes, "sweepConcurrency">): number {
  return Math.max(2, Math.floor(sweepConcurrency / 4));
}

/** Sum of the executions that are reserved. */
export function reservedOf(sizes: Sizes): number {
  const { submitConcurrency, deliverConcurrency, archiveConcurrency, sweepConcurrency, streamConcurrency } = sizes;
  const workers = sizes.reservesWorkers
    ? // One execution of Sweep is the dispatcher.
      [submitConcurrency, deliverConcurrency, archiveConcurrency, sweepConcurrency + 1, streamConcurrency]
    : [];
  return [sizes.callbackConcurrency ?? 0, ...workers].reduce((sum, reserved) => sum + reserved, 0);
}

function count(env: Env, name: string, min: number, max: number): number | undefined {
  const text = env[name] || undefined;
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new Error(`${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
  return value;
}

function choice(env: Env, name: string): boolean | undefined {
  const text = env[name] || undefined;
  if (text !== undefined && text !== "on" && text !== "off") throw new Error(`${name} must be one of on, off`);
  return text === undefined ? undefined : text === "on";
}
