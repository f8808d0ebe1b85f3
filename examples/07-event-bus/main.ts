import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Entry {
  EventBusName: string;
  Source: string;
  DetailType: string;
  Detail: string;
}

// Implements only the PutEvents call of EventBridge. On AWS, rules of the bus would match these entries.
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { Entries } = JSON.parse(Buffer.concat(chunks).toString()) as { Entries: Entry[] };
  for (const { EventBusName, Source, DetailType, Detail } of Entries) {
    const { data } = JSON.parse(Detail) as { data: { id: string; state: string | null } };
    console.log(`${EventBusName}: ${Source} ${DetailType} ${data.id} ${data.state ?? ""}`.trim());
  }
  response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map((_, n) => ({ EventId: String(n) })) }));
});

await new Promise<void>((ready) => server.listen(Number(process.env["PORT"] ?? 4700), "127.0.0.1", ready));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log(`AWS_ENDPOINT_URL_EVENTBRIDGE=${url} MJFLOW_BUS=pictures npm start`);
