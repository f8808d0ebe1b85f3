import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { isMjflowError, Mjflow, verifyWebhook, type WebhookEvent } from "@mjflow/client";

const mjflow = new Mjflow();
const ORDER = "order 7";
let onEnd = () => {};
const ended = new Promise<void>((resolve) => {
  onEnd = resolve;
});
let secret = "";

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const event = await verifyWebhook(Buffer.concat(chunks), request.headers, secret); // needs the raw body
    response.writeHead(204).end(); // respond immediately: mjflow repeats a delivery without a response
    handle(event);
  } catch (error) {
    if (!isMjflowError(error, "webhook_rejected")) throw error;
    console.log("rejected:", error.detail);
    response.writeHead(401).end();
  }
});

// Events come in any order and sometimes twice with the same id. A real receiver stores the ids in a table for a few
// days.
const seen = new Set<string>();
let expected = 3; // the end of imagine, of U1 and of the flow

function handle(event: WebhookEvent): void {
  if (event.type === "endpoint.disabled" || event.data.state !== ORDER || seen.has(event.id)) return;
  seen.add(event.id);
  const { type, data } = event;
  if (type === "task.completed" || type === "task.failed") console.log(type, data.press ?? "imagine", data.imageUrl);
  else console.log(type, data.state);
  expected -= 1;
  if (expected === 0 || type === "flow.failed") onEnd();
}

await new Promise<void>((ready) => server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", ready));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mjflow`;

const endpoint = await mjflow.endpoints.create({
  url,
  events: ["task.completed", "task.failed", "flow.completed", "flow.failed"],
});
secret = endpoint.secret!; // returned only once

// Anyone who knows the URL can send a request to it; this one is forged.
await fetch(url, { method: "POST", body: '{"type":"flow.completed","data":{"state":"forged"}}' });

const provider = process.env["MJFLOW_PROVIDER"] ?? "simulator";
await mjflow.flows.create({ provider, prompt: "a paper boat", state: ORDER, then: [{ press: "U1" }] });
await ended;

await mjflow.endpoints.delete(endpoint.id);
server.close();
