/**
 * DynamoDB and SQS as far as the first request of a function needs them. It keeps the rows that were written and checks no condition:
 * the benchmark measures the function, not the table.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

type Row = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: requests of the SDK
type Body = any;

export interface StandIn {
  url: string;
  stop(): Promise<void>;
}

export async function startStandIn(): Promise<StandIn> {
  const rows: Row[] = [];
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const byKey = (key: Row) => rows.find((row) => Object.entries(key).every(([name, value]) => same(row[name], value)));
  const answer: Record<string, (body: Body) => object> = {
    PutItem({ Item }) {
      rows.push(Item);
      return {};
    },
    UpdateItem: () => ({}),
    TransactWriteItems({ TransactItems }) {
      for (const { Put } of TransactItems) if (Put) rows.push(Put.Item);
      return {};
    },
    BatchWriteItem({ RequestItems }) {
      for (const { PutRequest } of Object.values<Body>(RequestItems).flat()) if (PutRequest) rows.push(PutRequest.Item);
      return { UnprocessedItems: {} };
    },
    GetItem: ({ Key }) => ({ Item: byKey(Key) }),
    BatchGetItem({ RequestItems }) {
      const found = Object.entries<Body>(RequestItems).map(([table, { Keys }]) => {
        return [table, Keys.flatMap((key: Row) => byKey(key) ?? [])] as const;
      });
      return { Responses: Object.fromEntries(found), UnprocessedKeys: {} };
    },
    Query({ IndexName, ExpressionAttributeValues }) {
      const values = Object.values(ExpressionAttributeValues);
      const Items = IndexName ? [] : rows.filter((row) => values.some((value) => same(row["pk"], value)));
      return { Items, Count: Items.length };
    },
    SendMessage: ({ MessageBody }) => receipt(MessageBody),
    SendMessageBatch: ({ Entries }) => ({
      Successful: Entries.map(({ Id, MessageBody }: Body) => ({ Id, ...receipt(MessageBody) })),
      Failed: [],
    }),
  };
  const server = createServer(async (request, response) => {
    const operation = String(request.headers["x-amz-target"]).split(".").at(-1)!;
    const body = await json(request);
    const answered = answer[operation]?.(body);
    response.writeHead(answered ? 200 : 400, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify(answered ?? { __type: "UnknownOperationException", message: operation }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function receipt(body: string) {
  return { MessageId: "message", MD5OfMessageBody: createHash("md5").update(body).digest("hex") };
}
