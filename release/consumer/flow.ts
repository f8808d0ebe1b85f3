/**
 * A strict program that uses only the installed client: it creates a flow, waits, and verifies the webhook of its end.
 * Prints one line of JSON.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type FlowStatus, isMjflowError, Mjflow, MjflowError, verifyWebhook, type WebhookEvent } from "@mjflow/client";

// A variable of the environment may be undefined, also under exactOptionalPropertyTypes.
const mjflow = new Mjflow({ baseUrl: process.env["MJFLOW_URL"], apiKey: process.env["MJFLOW_API_KEY"] });

let secret = "";
let refused = 0;
let resolveEnd: (event: WebhookEvent) => void = () => {};
const end = new Promise<WebhookEvent>((resolve) => {
  resolveEnd = resolve;
});

const receiver = createServer(async (request, response) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const body = new TextDecoder().decode(Buffer.concat(chunks));
  try {
    await verifyWebhook(`${body} `, request.headers, secret);
  } catch (error) {
    // A changed body must be refused.
    if (isMjflowError(error, "webhook_rejected")) refused++;
  }
  const event = await verifyWebhook(body, request.headers, secret);
  if (event.type === "flow.completed") resolveEnd(event);
  response.writeHead(204).end();
});
await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));

const { port } = receiver.address() as AddressInfo;
const endpoint = await mjflow.endpoints.create({ url: `http://127.0.0.1:${port}/hook`, events: ["flow.completed"] });
secret = endpoint.secret ?? "";
const handle = await mjflow.flows.create({
  provider: "simulator",
  prompt: "a paper boat",
  then: [{ press: "U1", then: [{ press: "zoom:2" }] }],
});
const flow = await handle.wait({ timeoutMs: 60_000 });
const status: FlowStatus = flow.status;
// @ts-expect-error a status is not a number
const wrong: number = status;
void wrong;
const event = await end;
if (event.type !== "flow.completed" || event.data.id !== flow.id) {
  throw new MjflowError({ code: "webhook_rejected", detail: "The event is not of this flow.", status: undefined });
}
// The end of the next flow comes to the same endpoint, at any time.
const refusedOfFirst = refused;
const outputs = await mjflow.run("a second boat", { provider: "simulator", then: "U1" });
const url: string | undefined = outputs[0]?.url;
if (outputs.length !== 1 || url === undefined || outputs[0]?.task.press !== "U1") {
  throw new Error(`run returned ${JSON.stringify(outputs)}.`);
}
const images = flow.tasks.filter(({ imageUrl }) => imageUrl !== null && imageUrl !== undefined).length;
await mjflow.endpoints.delete(endpoint.id);
console.log(JSON.stringify({ status, tasks: flow.tasks.length, images, webhook: event.type, refused: refusedOfFirst }));
receiver.close();
receiver.closeAllConnections();
