/** What one operation asks of the table: the functions' own client, its commands counted by whose work sent them. */
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
const asking = new AsyncLocalStorage<RequestCount>();

/** Once per process. What nobody meters is let through as it is. */
export function meterTable(): void {
  const prototype = DynamoDBClient.prototype as unknown as { send: Send };
  const original = prototype.send;
  prototype.send = async function send(command, ...rest) {
    const asked = asking.getStore();
    if (!asked) return original.call(this, command, ...rest);
    command.input["ReturnConsumedCapacity"] = "TOTAL";
    asked.requests++;
    const answer = await original.call(this, command, ...rest);
    const units = [answer.ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
    asked[WRITES.has(command.constructor.name) ? "writeUnits" : "readUnits"] += units;
    return answer;
  };
}

export async function metered(work: () => Promise<unknown>): Promise<RequestCount> {
  const asked: RequestCount = { requests: 0, readUnits: 0, writeUnits: 0 };
  await asking.run(asked, work);
  return asked;
}
