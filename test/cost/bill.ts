/**
 * Multiplies counts by list prices, per million flows. A line with an assumption names it; all other lines are counts of one
 * run. Prices and assumptions are in price.json.
 */
import type { Measured } from "./measure.ts";
import price from "./price.json" with { type: "json" };
import { RUN_MS } from "./run-time.ts";

export interface Line {
  what: string;
  perFlow: number;
  usdPerMillion: number;
  /** What the line assumes in addition to its counts. Unset: nothing. */
  assumes?: string;
}

/** How the clients of the flows read them. `wait`: reads at hinted times. `poll`: compat clients, at a fixed interval. */
export type Reads = "none" | "wait" | "poll";

export interface BillOptions {
  /** How long a vendor takes to respond to a submission, ms. */
  answerMs: number;
  reads?: Reads;
}

const MILLION = 1e6;
const GB = 1e9;
const { assumed } = price;
const RUN_TIMES = "run times from CPU times; 5 ms for each request to AWS, 200 ms for a receiver";

export function billOf(measured: Measured, { answerMs, reads = "none" }: BillOptions): Line[] {
  const per = (count: number) => count / measured.flows;
  const readCount = readsOf(measured, reads);
  const line = (what: string, perFlow: number, usd: number, assumes?: string): Line => ({
    what,
    perFlow,
    usdPerMillion: perFlow * usd * MILLION,
    ...(assumes !== undefined && { assumes }),
  });
  const { read } = measured;
  const invocations = [measured.api, measured.submit, measured.deliver, measured.archive, measured.callback];
  const egress =
    per(measured.postBytes) +
    readCount * read.bytes +
    per(measured.callback) * assumed.callbackResponseBytes +
    per(measured.tasks) * assumed.submissionBytes;
  const logBytes = per(measured.logBytes) + readCount * read.logBytes + assumed.metricBytes;
  const lines = [
    line("table write units", per(measured.writeUnits) + readCount * read.writeUnits, price.tableWriteUnit),
    line(
      "table read units",
      per(measured.readUnits) + assumed.cachedReadUnits + readCount * read.readUnits,
      price.tableReadUnit,
      `cached rows are read again: ${assumed.cachedReadUnits} unit a flow`,
    ),
    line("queue requests", per(queueRequests(measured)), price.queueRequest, "one receive and one delete per batch"),
    line("function invocations", per(sum(invocations)) + readCount, price.lambdaRequest),
    line("function GB-seconds", gbSecondsOf(measured, answerMs, readCount), price.lambdaGbSecondArm, RUN_TIMES),
    line("log bytes", logBytes, logByteUsd(), "100 bytes of metrics; stored for 3 months without compression"),
    line(
      "bytes sent",
      egress,
      price.egressGb / GB,
      "responses to callbacks have 250 bytes, requests to vendors 1,000 bytes; no new connections",
    ),
    line(
      "row bytes, with backup",
      rowByteMonthsOf(measured),
      rowByteMonthUsd(),
      "AWS deletes expired rows after 2 days",
    ),
  ];
  if (per(measured.archive) < 1) return lines;
  const { archivedMb, archivedObjects, rowDays } = assumed;
  return [
    ...lines,
    line(
      "bucket: stored GB-months",
      (archivedMb / 1_000) * (rowDays / 30),
      price.bucketGbMonth,
      `${archivedMb} MB a flow`,
    ),
    line("bucket: requests", archivedObjects, price.bucketPut, `${archivedObjects} objects`),
  ];
}

/** Number of reads of a flow by its clients. */
function readsOf({ tasks, flows }: Measured, reads: Reads): number {
  const { flowSeconds, pollSeconds, waitReads } = assumed;
  if (reads === "wait") return waitReads;
  // A client of the compat API reads every task: the imagine for half of the time, and the upscales for the rest.
  if (reads === "poll") return (((tasks / flows + 1) / 2) * flowSeconds) / pollSeconds;
  return 0;
}

/** AWS's poller of a queue receives and deletes each batch. The local queue receives several messages at once. */
export function queueRequests({ queueSends, submit, deliver, archive }: Measured): number {
  return queueSends + 2 * (submit + deliver + archive);
}

function gbSecondsOf(measured: Measured, answerMs: number, readCount: number): number {
  const { memoryMb } = assumed;
  const per = (count: number) => count / measured.flows;
  const seconds = (ms: number, mb: number) => (ms / 1_000) * (mb / 1_024);
  return sum([
    per(measured.api) * seconds(RUN_MS.api, memoryMb.api),
    readCount * seconds(RUN_MS.read, memoryMb.api),
    per(measured.submit) * seconds(answerMs + RUN_MS.submitOwn, memoryMb.submit),
    per(measured.callback - measured.recorded) * seconds(RUN_MS.callbackDropped, memoryMb.callback),
    per(measured.recorded) * seconds(RUN_MS.callbackRecorded, memoryMb.callback),
    per(measured.deliver) * seconds(RUN_MS.deliver, memoryMb.deliver),
    per(measured.archive) * seconds(RUN_MS.archive, memoryMb.archive),
  ]);
}

/** Bytes of the rows times the months that they are kept. */
function rowByteMonthsOf({ rows, flows }: Measured): number {
  const { rowOverheadBytes, rowDays, deliveryRowDays, deletionDays } = assumed;
  return sum(
    Object.entries(rows).map(([kind, { count, bytes }]) => {
      const days = (kind === "deliveries" ? deliveryRowDays : rowDays) + deletionDays;
      return ((bytes + count * rowOverheadBytes) / flows) * (days / 30);
    }),
  );
}

function rowByteMonthUsd(): number {
  return (price.tableGbMonth + price.tableBackupGbMonth) / GB;
}

function logByteUsd(): number {
  return (price.logGb + assumed.logMonths * price.logStoredGbMonth) / GB;
}

/** Sum of the lines that assume nothing. */
export function countedOf(lines: readonly Line[]): number {
  return totalOf(lines.filter(({ assumes }) => assumes === undefined));
}

export function totalOf(lines: readonly Line[]): number {
  return sum(lines.map(({ usdPerMillion }) => usdPerMillion));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
