/** Receivers as small as they can be, on Lambda's event as ours is: what a callback costs before anything is known of it. */
import { type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { type Context, Hono } from "hono";
import { handle } from "hono/aws-lambda";
import type { Handler } from "../environment/environment.ts";

interface Told {
  id: string;
  status: string;
}

function receiver(keep: (token: string, told: Told) => Promise<void> | void): Handler {
  const app = new Hono().post("/callbacks/:token", async (c: Context) => {
    await keep(c.req.param("token")!, await c.req.json<Told>());
    return c.json({ code: 1 });
  });
  return handle(app) as unknown as Handler;
}

/** Keeps the last of each task in memory: neither safe nor durable. */
export function inMemory(): Handler {
  const known = new Map<string, Told>();
  return receiver((token, told) => void known.set(token, told));
}

/** One put, refused where it has been before: durable, and blind to everything else. */
export function onePut(client: DynamoDBClient, table: string): Handler {
  return receiver(async (token, told) => {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: { pk: { S: token }, sk: { S: told.status }, body: { S: JSON.stringify(told) } },
        ConditionExpression: "attribute_not_exists(pk)",
      }),
    );
  });
}
