import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isMjflowError, Mjflow, verifyWebhook, type WebhookEvent } from "@mjflow/client";

const mjflow = new Mjflow();
const ORDER = "order 7";
const ended = Promise.withResolvers<void>();
let secret = "";

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const event = await verifyWebhook(Buffer.concat(chunks), request.headers, secret); // the raw body, not a parsed one
    response.writeHead(204).end(); // at once: what is not answered is sent again
    hear(event);
  } catch (error) {
    if (!isMjflowError(error, "webhook_rejected")) throw error;
    console.log("refused:", error.detail);
    response.writeHead(401).end();
  }
});

// Events come in any order, and now and then twice, under one id. In earnest a table remembers them for a few days.
const seen = new Set<string>();
let awaited = 3; // the ends of imagine, of U1, and of the flow

function hear(event: WebhookEvent): void {
  if (event.type === "endpoint.disabled" || event.data.state !== ORDER || seen.has(event.id)) return;
  seen.add(event.id);
  const { type, data } = event;
  if (type === "task.completed" || type === "task.failed") console.log(type, data.press ?? "imagine", data.imageUrl);
  else console.log(type, data.state);
  awaited -= 1;
  if (awaited === 0 || type === "flow.failed") ended.resolve();
}

await new Promise<void>((ready) => server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", ready));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mjflow`;

const endpoint = await mjflow.endpoints.create({
  url,
  events: ["task.completed", "task.failed", "flow.completed", "flow.failed"],
});
secret = endpoint.secret!; // shown once

// Whoever knows the address can post to it.
await fetch(url, { method: "POST", body: '{"type":"flow.completed","data":{"state":"forged"}}' });

const provider = process.env["MJFLOW_PROVIDER"] ?? "simulator";
await mjflow.flows.create({ provider, prompt: "a paper boat", state: ORDER, then: [{ press: "U1" }] });
await ended.promise;

await mjflow.endpoints.delete(endpoint.id);
server.close();
