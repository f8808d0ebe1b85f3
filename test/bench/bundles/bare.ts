/** The smallest function that could be deployed instead of ours: a framework and the two clients, each used once. */
import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Hono } from "hono";
import { handle } from "hono/aws-lambda";

const table = new DynamoDBClient({});
const queue = new SQSClient({});

const app = new Hono().post("/callbacks/:token", async (c) => {
  const body = await c.req.text();
  const Item = { pk: { S: c.req.param("token") }, sk: { S: "callback" }, body: { S: body } };
  await table.send(
    new PutItemCommand({ TableName: process.env["TABLE"], Item, ConditionExpression: "attribute_not_exists(pk)" }),
  );
  await queue.send(new SendMessageCommand({ QueueUrl: process.env["QUEUE"], MessageBody: c.req.param("token") }));
  return c.json({ code: 1 });
});

export const handler = handle(app);
