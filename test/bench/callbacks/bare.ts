/**
 * The smallest possible receivers, with Lambda's event like ours: the cost of a callback without any logic of mjflow.
 */
import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { type Context, Hono } from "hono";
import { handle } from "hono/aws-lambda";
import type { Handler } from "../environment/environment.ts";

interface Report {
  id: string;
  status: string;
}

function receiver(store: (token: string, report: Report) => Promise<void> | void): Handler {
  const app = new Hono().post("/callbacks/:token", async (c: Context) => {
    await store(c.req.param("token")!, await c.req.json<Report>());
    return c.json({ code: 1 });
  });
  return handle(app) as unknown as Handler;
}

/** Stores the last report of each task in memory; neither authenticated nor durable. */
export function inMemory(): Handler {
  const reports = new Map<string, Report>();
  return receiver((token, report) => void reports.set(token, report));
}

/** Makes one conditional put, which fails for a duplicate; durable, but without any other check. */
export function onePut(client: DynamoDBClient, table: string): Handler {
  return receiver(async (token, report) => {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: { pk: { S: token }, sk: { S: report.status }, body: { S: JSON.stringify(report) } },
        ConditionExpression: "attribute_not_exists(pk)",
      }),
    );
  });
}
