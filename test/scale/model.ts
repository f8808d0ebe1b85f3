/**
 * Where a deployment stops: the flows per second at which each limit of AWS or of its settings is reached. Every limit is
 * computed from the sizes of the stage (infra/size.ts), from counted uses of a flow (test/cost) and from AWS's quotas. Pure.
 */
import { repairWorkersOf, reservedOf, type Sizes } from "../../infra/size.ts";
import { DUE_SHARDS } from "../../packages/core/src/due.ts";
import { MAX_HOPS } from "../../packages/core/src/message.ts";
import { MJ_ID_SHARDS } from "../../packages/core/src/mj-task.ts";
import { DISPATCH_MS, HANDING_PARALLEL, MAX_PARALLEL, mostParallel } from "../../packages/core/src/wait-list.ts";
import { spreadsMjIds } from "../../packages/store/src/mj-task-id.ts";
import type { Measured } from "../cost/measure.ts";
import { RUN_MS } from "../cost/run-time.ts";
import quota from "./quota.json" with { type: "json" };

export interface Traffic {
  /** How long vendors take to respond to a submission, ms. */
  answerMs: number;
  /** Share of all flows that belongs to the largest app. */
  largestApp: number;
  /** Share of the webhooks whose receiver accepts and never responds. */
  hungReceivers?: number;
  /** Highest rate of one app with limits, from the contention model. Unset: the apps have no limits. */
  limitedAppFlowsPerS?: number;
  /** Due entries of a flow whose vendor never calls back. Unset: vendors call back. */
  silentEntries?: number;
  /** Reads of a flow by its clients, and what one read uses. Unset: none. */
  reads?: number;
  /**
   * Vendor accounts that were busy and have a wait list each. New tasks enter a list that has tasks, so the list ends only if its
   * dispatcher is faster than new tasks arrive. Unset: no account was busy.
   */
  busyAccounts?: number;
}

export interface Wall {
  flowsPerS: number;
  what: string;
  /** What raises it: a setting, a quota of AWS, or the design. */
  raisedBy: string;
}

/** Time for the first attempt of a delivery to a receiver that hangs, ms (core/timing.ts, webhookFirstMs). */
const HUNG_MS = 3_000;
/** Rows that a sweep worker handles in a second, and the part of a minute in which it reads pages. An assumption. */
const SWEPT_PER_S = 20;
const SWEEP_SHARE = 40 / 60;
const SWEEP_EVERY_MS = 60_000;

/** @param tableQuota write units per second that AWS grants a table */
export function wallsOf(
  sizes: Sizes,
  measured: Measured,
  traffic: Traffic,
  tableQuota: number = quota.tableWriteUnits.value,
): Wall[] {
  const per = (count: number) => count / measured.flows;
  const writes = (kind: string) => per(measured.keys[kind]?.writes ?? 0);
  const { answerMs, largestApp, hungReceivers = 0, reads = 0, busyAccounts = Number.POSITIVE_INFINITY } = traffic;
  const keyWrites = quota.partitionWriteUnits.value;
  const shards = sizes.dueShards || DUE_SHARDS;

  const callbackS =
    (per(measured.callback - measured.recorded) * RUN_MS.callbackDropped +
      per(measured.recorded) * RUN_MS.callbackRecorded) /
    1_000;
  const submitS = (per(measured.submit) * (answerMs + RUN_MS.submitOwn)) / 1_000;
  const deliverS = (per(measured.deliver) * (RUN_MS.deliver + hungReceivers * HUNG_MS)) / 1_000;
  const archiveS = (per(measured.archive) * RUN_MS.archive) / 1_000;
  const apiS = (per(measured.api) * RUN_MS.api + reads * RUN_MS.read) / 1_000;
  const callbacks = sizes.callbackConcurrency ?? sizes.lambdaQuota;
  const unreserved = sizes.lambdaQuota - reservedOf(sizes);

  const walls: Wall[] = [
    wall(
      "requests to the callback URL",
      (quota.functionUrlRequestsPerExecution.value * callbacks) / per(measured.callback),
      "MJFLOW_CALLBACK_CONCURRENCY",
    ),
    wall("callback executions", callbacks / callbackS, "MJFLOW_CALLBACK_CONCURRENCY"),
    wall("submit workers", sizes.submitConcurrency / submitS, "MJFLOW_SUBMIT_CONCURRENCY"),
    wall("deliver workers", sizes.deliverConcurrency / deliverS, "MJFLOW_DELIVER_CONCURRENCY"),
    wall("archive workers", sizes.archiveConcurrency / archiveS, "MJFLOW_ARCHIVE_CONCURRENCY"),
    wall("executions for the API", unreserved / apiS, "MJFLOW_LAMBDA_QUOTA"),
    wall(
      "a table that was not warmed",
      (sizes.warmWriteUnits ?? quota.newTableWriteUnits.value) / per(measured.writeUnits),
      "MJFLOW_WARM_WRITE_UNITS",
    ),
    wall("write units of the table", tableQuota / per(measured.writeUnits), "quota of AWS"),
    wall("alarm WriteRateHigh", sizes.alarmWriteUnits / per(measured.writeUnits), "MJFLOW_ALARM_WRITE_UNITS"),
    ...Object.keys(measured.keys)
      .filter((kind) => kind.startsWith("index due"))
      .map((kind) => wall(`the ${kind}`, (shards * keyWrites) / writes(kind), "MJFLOW_DUE_SHARDS")),
    wall("listing of the flows of the largest app", keyWrites / writes("index app: flows") / largestApp, "design"),
    wall(
      "listing of the deliveries of the largest app",
      keyWrites / (writes("index app: deliveries") / Math.max(1, listenersOf(measured))) / largestApp,
      "design",
    ),
    wall(
      "compat ids of the largest app",
      ((spreadsMjIds(shards) ? MJ_ID_SHARDS : 1) * keyWrites) / writes("mj") / largestApp,
      "MJFLOW_DUE_SHARDS",
    ),
    wall(
      "counters of the largest app with limits",
      (traffic.limitedAppFlowsPerS ?? Number.POSITIVE_INFINITY) / largestApp,
      "creditCounters",
    ),
    wall(
      "dispatchers of wait lists",
      (busyAccounts * drainedPerS(answerMs, sizes.submitConcurrency / busyAccounts)) / per(measured.tasks),
      "MJFLOW_SUBMIT_CONCURRENCY, or more vendor accounts",
    ),
    wall("sweep workers", sweptPerS(sizes) / (traffic.silentEntries ?? 0), "MJFLOW_SWEEP_CONCURRENCY"),
  ];
  return walls.filter(({ flowsPerS }) => Number.isFinite(flowsPerS)).sort((a, b) => a.flowsPerS - b.flowsPerS);
}

/**
 * Tasks a second that leave one wait list: its dispatcher keeps a number of calls in flight (core/wait-list.ts). After a chain of
 * messages the next task that enters starts another dispatcher. If none enters, the sweeper does, on average half a minute later
 * (docs/decisions/0028).
 *
 * @param workers submit workers that may wait for the account, while tasks enter; undefined: the dispatcher hands no task over, and
 *   no task enters
 */
export function drainedPerS(answerMs: number, workers?: number): number {
  const callMs = answerMs + RUN_MS.submitOwn;
  if (workers === undefined) {
    const chainMs = MAX_HOPS * DISPATCH_MS;
    return ((chainMs / (chainMs + SWEEP_EVERY_MS / 2)) * MAX_PARALLEL) / (callMs / 1_000);
  }
  // A dispatcher hands tasks over after its first response. The last one of a chain of messages sends none.
  const handing = Math.max(0, DISPATCH_MS - callMs) / DISPATCH_MS;
  const inFlight = handing * mostParallel(workers) + (1 - handing) * HANDING_PARALLEL;
  const average = ((MAX_HOPS - 1) * inFlight + MAX_PARALLEL) / MAX_HOPS;
  // Each task enters the list and leaves it, with one write to its partition each.
  return Math.min(average / (callMs / 1_000), quota.partitionWriteUnits.value / 2);
}

/** Due entries that the workers handle in a second, without those that handle only repairs. */
export function sweptPerS(sizes: Sizes): number {
  return (sizes.sweepConcurrency - repairWorkersOf(sizes)) * SWEPT_PER_S * SWEEP_SHARE;
}

/** Number of listeners: each gets every post of a flow. */
function listenersOf({ posts, flows }: Measured): number {
  return Math.round(posts / flows / 11);
}

function wall(what: string, flowsPerS: number, raisedBy: string): Wall {
  return { what, flowsPerS, raisedBy };
}
