/** What requests cost, added up: for tests that hold a flow to its price. */
import type { ConsumedCapacity } from "@aws-sdk/client-dynamodb";

export interface Meter {
  /** As billed: a batch is one, a repetition by the SDK is not counted. */
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

/** A write that failed its condition is billed by the size of the item that stood there. */
export function addRejectedWrite(meter: Meter, bytes: number): void {
  meter.writeUnits += Math.max(1, Math.ceil(bytes / 1_024));
}
