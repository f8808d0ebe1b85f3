/**
 * Multiplies counts by list prices, per million flows. Only the function times are assumed, not counted (price.json).
 */

import type { Measured } from "./measure.ts";
import price from "./price.json" with { type: "json" };

export interface Line {
  what: string;
  perFlow: number;
  usdPerMillion: number;
  /** Set if the line depends on run times at AWS, which were never measured; price.json has the assumed times. */
  assumed?: true;
}

const MILLION = 1e6;

export function billOf(measured: Measured): Line[] {
  const { assumed } = price;
  const per = (count: number) => count / measured.flows;
  const recorded = measured.tasks;
  const dropped = measured.callback - recorded;
  const seconds = (ms: number, mb: number) => (ms / 1_000) * (mb / 1_024);
  const gbSeconds =
    per(measured.api) * seconds(assumed.apiMs, assumed.memoryMb.api) +
    per(measured.submit) * seconds(assumed.submitMs, assumed.memoryMb.submit) +
    per(dropped) * seconds(assumed.callbackDroppedMs, assumed.memoryMb.callback) +
    per(recorded) * seconds(assumed.callbackRecordedMs, assumed.memoryMb.callback);
  const invocations = per(measured.api + measured.submit + measured.callback);
  const line = (what: string, perFlow: number, usd: number): Line => ({
    what,
    perFlow,
    usdPerMillion: perFlow * usd * MILLION,
  });
  return [
    line("table write units", per(measured.writeUnits), price.tableWriteUnit),
    line("table read units", per(measured.readUnits), price.tableReadUnit),
    line("queue requests", per(queueRequests(measured)), price.queueRequest),
    line("function invocations", invocations, price.lambdaRequest),
    line("log bytes", per(measured.logBytes), price.logGb / 1e9),
    { ...line("function GB-seconds (assumed times)", gbSeconds, price.lambdaGbSecondArm), assumed: true },
  ];
}

export function queueRequests({ queueSends, queueReceives, queueDeletes }: Measured): number {
  return queueSends + queueReceives + queueDeletes;
}

/** Sum of the counted lines, without assumed times. */
export function countedOf(lines: readonly Line[]): number {
  return totalOf(lines.filter(({ assumed }) => !assumed));
}

export function totalOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { usdPerMillion }) => sum + usdPerMillion, 0);
}
