/**
 * Sizes of a stage: concurrency of its functions, throughput of its table, and the alarms that follow from them. Pure, so
 * `infra/stage.ts` and the capacity model (`npm run scale`) use the same numbers.
 *
 * `docs/operations.md` has a table of sizes for 10, 100 and 1,000 flows per second.
 */
import { MAX_DUE_SHARDS } from "../packages/core/src/due.ts";
import { checked, oneOf, wholeNumber } from "../packages/core/src/setting.ts";

export interface Sizes {
  /** Highest number of concurrent executions of Callback, reserved for it. Unset: no reservation, and no limit. */
  callbackConcurrency: number | undefined;
  /** Highest number of concurrent workers of each queue (`maximumConcurrency` of its mapping). AWS's minimum is 2. */
  submitConcurrency: number;
  deliverConcurrency: number;
  archiveConcurrency: number;
  /** Highest number of concurrent sweep workers, those for repairs included. At least 4. */
  sweepConcurrency: number;
  /** Workers of the dead-letter queue. They have no reservation, so the rest of the account must not feel them. */
  deadletterConcurrency: number;
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
  /** What the operator should know about the sizes, one sentence or two each. */
  warnings: string[];
}

type Env = Record<string, string | undefined>;

/** AWS keeps this much concurrency of an account for functions without a reservation. */
const UNRESERVED_MIN = 100;
/** Concurrent executions of most accounts. A new account has 10. */
const DEFAULT_QUOTA = 1_000;
/** A new on-demand table accepts this much. AWS rejects a smaller warm throughput. */
const NEW_TABLE = { writeUnits: 4_000, readUnits: 12_000 };

/** Sizes without settings. A new AWS account has 10 concurrent executions, so other stages reserve none. */
const DEFAULT = {
  production: { callback: 100, submit: 200, deliver: 100, archive: 50, sweep: 32, stream: 100, deadletter: 10 },
  other: { callback: undefined, submit: 2, deliver: 2, archive: 2, sweep: 4, stream: 2, deadletter: 2 },
};

/** A quota below this is one of a new account. Its functions share what is not reserved, so nothing is reserved. */
const SMALL_QUOTA = 200;

/** Settings that say how large a stage is. If one of them does not fit into the account, the deployment stops. */
const CHOSEN = [
  "MJFLOW_CALLBACK_CONCURRENCY",
  "MJFLOW_SUBMIT_CONCURRENCY",
  "MJFLOW_DELIVER_CONCURRENCY",
  "MJFLOW_ARCHIVE_CONCURRENCY",
  "MJFLOW_SWEEP_CONCURRENCY",
  "MJFLOW_STREAM_CONCURRENCY",
  "MJFLOW_LAMBDA_QUOTA",
];

/**
 * Computes the sizes of a stage from its settings. If production with its defaults does not fit into the account, it gets
 * the sizes of a trial stage, no reservation and a warning.
 *
 * @param granted concurrent executions that AWS grants the account; undefined if unknown
 * @throws Error that names the setting, if a value is invalid or the account cannot have it
 */
export function sizesOf(production: boolean, env: Env, granted?: number): Sizes {
  const isChosen = CHOSEN.some((name) => env[name]) || env["MJFLOW_RESERVE_WORKERS"] === "on";
  const sizes = sizesWith(production, production, env, granted);
  const { lambdaQuota } = sizes;
  const reserved = reservedOf(sizes);
  const isSmall = lambdaQuota < SMALL_QUOTA;
  if (reserved === 0 || reserved + UNRESERVED_MIN <= lambdaQuota) {
    return isSmall ? { ...sizes, warnings: [smallAccount(sizes, "")] } : sizes;
  }
  if (isChosen) {
    const quota = env["MJFLOW_LAMBDA_QUOTA"]
      ? `MJFLOW_LAMBDA_QUOTA is ${lambdaQuota}`
      : `AWS grants this account ${lambdaQuota} concurrent executions (MJFLOW_LAMBDA_QUOTA is unset)`;
    throw new Error(
      `${quota}, but the functions reserve ${reserved} and AWS requires ${UNRESERVED_MIN} unreserved. Raise the quota of ` +
        "the account, or lower the concurrency",
    );
  }
  const less = sizesWith(production, false, env, granted);
  const reason = `, and production reserves ${reserved}. It gets the sizes of a trial stage`;
  return { ...less, warnings: [smallAccount(less, reason)] };
}

/** @param reason what to add to the first sentence, without its full stop */
function smallAccount(sizes: Sizes, reason: string): string {
  return (
    `AWS grants this account ${sizes.lambdaQuota} concurrent executions${reason}. Nothing is reserved. Up ` +
    `to ${limitedOf(sizes)} run for queues, the sweeper and streams, and Api and Callback have no limit. Lambda throttles ` +
    'what exceeds the quota. Raise the Lambda quota "Concurrent executions" to 1,000 before real traffic'
  );
}

/**
 * Sum of the executions that the configuration allows all functions except Api and Callback, which have no limit without a
 * reservation. A stream that is refused takes one more for a moment.
 */
export function limitedOf(sizes: Sizes): number {
  const { submitConcurrency, deliverConcurrency, archiveConcurrency, deadletterConcurrency } = sizes;
  const queues = submitConcurrency + deliverConcurrency + archiveConcurrency + deadletterConcurrency;
  // One execution of Sweep is the dispatcher.
  return queues + sizes.sweepConcurrency + 1 + sizes.streamConcurrency;
}

function sizesWith(production: boolean, isLarge: boolean, env: Env, granted: number | undefined): Sizes {
  const unset = isLarge ? DEFAULT.production : DEFAULT.other;
  const workers = (name: string) => count(env, name, 2, 10_000);
  return {
    callbackConcurrency: count(env, "MJFLOW_CALLBACK_CONCURRENCY", 1, 100_000) ?? unset.callback,
    submitConcurrency: workers("MJFLOW_SUBMIT_CONCURRENCY") ?? unset.submit,
    deliverConcurrency: workers("MJFLOW_DELIVER_CONCURRENCY") ?? unset.deliver,
    archiveConcurrency: workers("MJFLOW_ARCHIVE_CONCURRENCY") ?? unset.archive,
    sweepConcurrency: count(env, "MJFLOW_SWEEP_CONCURRENCY", 4, 10_000) ?? unset.sweep,
    streamConcurrency: count(env, "MJFLOW_STREAM_CONCURRENCY", 1, 10_000) ?? unset.stream,
    deadletterConcurrency: unset.deadletter,
    reservesWorkers: choice(env, "MJFLOW_RESERVE_WORKERS") ?? isLarge,
    lambdaQuota: count(env, "MJFLOW_LAMBDA_QUOTA", 10, 1_000_000) ?? granted ?? DEFAULT_QUOTA,
    dueShards: count(env, "MJFLOW_DUE_SHARDS", 0, MAX_DUE_SHARDS),
    warmWriteUnits: count(env, "MJFLOW_WARM_WRITE_UNITS", NEW_TABLE.writeUnits, 10_000_000),
    warmReadUnits: count(env, "MJFLOW_WARM_READ_UNITS", NEW_TABLE.readUnits, 10_000_000),
    alarmWriteUnits: count(env, "MJFLOW_ALARM_WRITE_UNITS", 1, 10_000_000) ?? (production ? 2_000 : 200),
    warnings: [],
  };
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
  const text = checked(env, name, wholeNumber(min, max));
  return text === undefined ? undefined : Number(text);
}

function choice(env: Env, name: string): boolean | undefined {
  const text = checked(env, name, oneOf(["on", "off"]));
  return text === undefined ? undefined : text === "on";
}
