/**
 * Verifies webhooks of a running local server with the client: with a secret, with a public key, and for the notifyHook
 * of a flow.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Mjflow, verifyWebhook, type WebhookEvent } from "@mjflow/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

interface Post {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

const posts: Post[] = [];
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    posts.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(204).end();
  });
});

let server: SpawnedServer;
let mjflow: Mjflow;
beforeAll(async () => {
  server = await spawnServer();
  mjflow = new Mjflow({ baseUrl: server.url, apiKey: API_KEY });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
}, 30_000);
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await server?.stop();
});

test("every webhook is verified with the key of its own endpoint and rejected with the keys of the others", async () => {
  const at = (path: string) => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`;
  const shared = await mjflow.endpoints.create({ url: at("/shared"), events: ["task.completed", "flow.completed"] });
  const keyed = await mjflow.endpoints.create({ url: at("/keyed"), scheme: "v1a", events: ["flow.completed"] });
  const hook = await mjflow.endpoints.rotate("hook", { overlapS: 0 });
  const { id } = await mjflow.flows.create({
    provider: "simulator",
    prompt: "a boat",
    state: "order 7 ü 🛶",
    notifyHook: at("/hook"),
    events: ["flow.completed"],
  });
  const keys: Record<string, string> = { "/shared": shared.secret!, "/keyed": keyed.publicKey!, "/hook": hook.secret! };
  await until(
    async () => posts.map(({ path }) => path).sort(),
    (paths) => ["/hook", "/keyed", "/shared", "/shared"].every((path, i) => paths[i] === path),
  );
  const events: WebhookEvent[] = [];
  for (const { path, headers, body } of posts) {
    events.push(await verifyWebhook(body, headers, keys[path]!));
    const others = Object.values(keys).filter((key) => key !== keys[path]);
    await expect(verifyWebhook(body, headers, others)).rejects.toMatchObject({ fault: "signature_wrong" });
    const changed = Buffer.from(body.toString().replace("order 7", "order 8"));
    await expect(verifyWebhook(changed, headers, keys[path]!)).rejects.toMatchObject({ fault: "signature_wrong" });
  }
  for (const event of events) expect(event).toMatchObject({ data: { state: "order 7 ü 🛶" } });
  const ends = events.filter((event) => event.type === "flow.completed");
  expect(ends.map((event) => event.data.id)).toEqual([id, id, id]);
  expect(new Set(ends.map((event) => event.id)).size).toBe(1);
});
