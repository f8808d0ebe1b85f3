/**
 * Counts the table requests of one operation. The commands of the functions' client are assigned to the operation by
 * its context.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

export interface RequestCount {
  requests: number;
  readUnits: number;
  writeUnits: number;
}

interface Command {
  input: Record<string, unknown>;
  constructor: { name: string };
}
interface Units {
  CapacityUnits?: number;
}
type Send = (this: object, command: Command, ...rest: unknown[]) => Promise<{ ConsumedCapacity?: Units | Units[] }>;

const WRITES = new Set(["PutItemCommand", "DeleteItemCommand", "UpdateItemCommand"]);
const currentCount = new AsyncLocalStorage<RequestCount>();

/** Must be called once per process. Requests outside of `metered` are not counted. */
export function meterTable(): void {
  const prototype = DynamoDBClient.prototype as unknown as { send: Send };
  const original = prototype.send;
  prototype.send = async function send(command, ...rest) {
    const count = currentCount.getStore();
    if (!count) return original.call(this, command, ...rest);
    command.input["ReturnConsumedCapacity"] = "TOTAL";
    count.requests++;
    const result = await original.call(this, command, ...rest);
    const units = [result.ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    count[WRITES.has(command.constructor.name) ? "writeUnits" : "readUnits"] += units;
    return result;
  };
}

export async function metered(work: () => Promise<unknown>): Promise<RequestCount> {
  const count: RequestCount = { requests: 0, readUnits: 0, writeUnits: 0 };
  await currentCount.run(count, work);
  return count;
}
