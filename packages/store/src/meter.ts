/** Adds up what requests cost, for tests that limit the cost of a flow. */
import type { ConsumedCapacity } from "@aws-sdk/client-dynamodb";

export interface Meter {
  /** Number of requests. A batch counts as one; repetitions by the SDK do not count. */
  requests: number;
  writeUnits: number;
  readUnits: number;
}

export function createMeter(): Meter {
  return { requests: 0, writeUnits: 0, readUnits: 0 };
}

export function addUnits(
  meter: Meter,
  kind: "read" | "write",
  consumed: ConsumedCapacity | ConsumedCapacity[] | undefined,
): void {
  const units = [consumed ?? []].flat().reduce((sum, { CapacityUnits }) => sum + (CapacityUnits ?? 0), 0);
  if (kind === "read") meter.readUnits += units;
  else meter.writeUnits += units;
}

/** Counts a write that failed its condition. DynamoDB bills it by the size of the existing item. */
export function addRejectedWrite(meter: Meter, bytes: number): void {
  meter.writeUnits += Math.max(1, Math.ceil(bytes / 1_024));
}
