/**
 * Webhooks, event streams and archived images of a running local server over real sockets, also after the server was
 * killed.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mjflow/local/engine/port";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Json, type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

interface Post {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: Json;
}

let folder: string;
let localServer: SpawnedServer;
let server: Server;
let posts: Post[];
/** Next responses of the app's server: a status, or no response. */
let answers: (number | "silence")[];
let base: string;
/**
 * TCP port of the local server. It stays the same after a restart, because image links contain the simulator's port,
 * which is the next one.
 */
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "mjflow-e2e-webhook-"));
  posts = [];
  answers = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      posts.push({ path: request.url!, headers: request.headers, text, body: JSON.parse(text) });
      const answer = answers.shift() ?? 204;
      if (answer !== "silence") response.writeHead(answer).end();
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  port = await freePort();
  localServer = await spawnServer({ dataDir: folder, port });
}, 30_000);

afterEach(async () => {
  await localServer.stop();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true, force: true });
});

const ids = () => posts.map(({ headers }) => headers["webhook-id"] as string);
const typed = (type: string) => posts.filter(({ body }) => body.type === type);

async function restart(): Promise<void> {
  await localServer.kill();
  localServer = await spawnServer({ dataDir: folder, port });
}

describe("webhooks", () => {
  test("webhooks to a notifyHook and to an endpoint are verified by the official library, and each end is sent once", async () => {
    const made = await localServer.call("POST", "/v1/endpoints", { url: `${base}/all`, events: ["task.completed"] });
    expect(made.status).toBe(201);
    const { body: hook } = await localServer.call("POST", "/v1/endpoints/hook/rotate", { overlapS: 0 });
    const id = await localServer.start({
      notifyHook: `${base}/hook?secret=1`,
      state: "mine",
      then: [{ press: ["U1", "U2"] }],
    });
    await localServer.ended(id);
    await until(
      async () => posts,
      (all) => all.filter(({ path }) => path === "/all").length === 3 && typed("flow.completed").length === 1,
    );
    for (const { path, headers, text, body } of posts) {
      const secret = path === "/all" ? made.body.secret : hook.secret;
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(body);
      if (body.type.startsWith("task.")) expect(body.data.state).toBe("mine");
    }
    const toHook = posts.filter(({ path }) => path.startsWith("/hook")).map(({ headers }) => headers["webhook-id"]);
    expect(new Set(toHook).size).toBe(toHook.length);
    // A record is stored after its response.
    const statuses = async () => {
      const { body: log } = await localServer.call("GET", `/v1/deliveries?endpoint=${made.body.id}`);
      return log.data.map((d: Json) => d.status) as string[];
    };
    const all = await until(statuses, (found) => found.length >= 3);
    expect(all).toEqual(["delivered", "delivered", "delivered"]);
    expect(JSON.stringify((await localServer.call("GET", "/v1/endpoints")).body)).not.toContain("whsec_");
  });

  test("a failed delivery is repeated with the same id, also if the server was killed during the delivery", async () => {
    answers = [500, "silence"];
    const id = await localServer.start({ notifyHook: base, events: ["flow.completed"] });
    await until(
      async () => posts.length,
      (count) => count >= 2,
      40_000,
    );
    await restart();
    await until(
      async () => posts.length,
      (count) => count >= 3,
      90_000,
    );
    expect(new Set(ids())).toEqual(new Set([`evt_${id.slice(5)}_flow_completed`]));
    const [delivery] = (await localServer.call("GET", `/v1/deliveries?flow=${id}`)).body.data;
    await until(
      async () => (await localServer.call("GET", `/v1/deliveries/${delivery.id}`)).body.status,
      (status) => status === "delivered",
    );
  }, 150_000);

  test("an endpoint that never answers does not delay another app's webhooks, and its posts are paused", async () => {
    const held = new Set<string>();
    const hanging = createServer((request) => void held.add(request.headers["webhook-id"] as string));
    await new Promise<void>((ready) => hanging.listen(0, "127.0.0.1", ready));
    try {
      const url = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`;
      const { body: made } = await localServer.call("POST", "/v1/endpoints", { url });
      const { body: app } = await localServer.call("POST", "/v1/apps", { name: "healthy" });
      const { body: key } = await localServer.call("POST", `/v1/apps/${app.id}/keys`, {});
      const healthy = { authorization: `Bearer ${key.key}` };
      for (let i = 0; i < 10; i++) await localServer.start({ then: [{ press: ["U1", "U2"] }] });
      await until(
        async () => held.size,
        (count) => count > 0,
      );
      // The flow begins while posts hang, and its webhooks arrive although the hanging endpoint never answers.
      const flow = { provider: "simulator", prompt: "a boat", notifyHook: `${base}/healthy` };
      expect((await localServer.call("POST", "/v1/flows", flow, healthy)).status).toBe(202);
      await until(
        async () => posts.map(({ body }) => body.type),
        (types) => types.includes("flow.completed"),
      );
      const endpoint = await until(
        async () => (await localServer.call("GET", `/v1/endpoints/${made.id}`)).body,
        ({ pausedUntil }) => pausedUntil !== null,
      );
      expect(endpoint).toMatchObject({ enabled: true, failingSince: expect.any(String) });
    } finally {
      hanging.closeAllConnections();
      await new Promise((closed) => hanging.close(closed));
    }
  }, 120_000);

  test("a webhook URL that is not public is rejected in the request, and no flow is created", async () => {
    await localServer.stop();
    localServer = await spawnServer({
      dataDir: folder,
      port,
      env: { MJFLOW_OUTBOUND_ALLOW: "hooks.internal.example" },
    });
    const flow = { provider: "simulator", prompt: "a boat" };
    for (const notifyHook of [`${base}/secret-path`, "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/"]) {
      const { status, body } = await localServer.call("POST", "/v1/flows", { ...flow, notifyHook });
      expect([status, body.code, body.field]).toEqual([400, "invalid_request", "notifyHook"]);
      expect(JSON.stringify(body)).not.toContain("secret-path");
      expect((await localServer.call("POST", "/v1/endpoints", { url: notifyHook })).body.field).toBe("url");
    }
    expect((await localServer.call("GET", "/v1/flows")).body.data).toEqual([]);
    expect(posts).toEqual([]);
  });
});

describe("event stream", () => {
  async function* events(path: string, headers: Record<string, string> = {}): AsyncGenerator<Json> {
    const response = await fetch(`${localServer.url}${path}`, {
      headers: { authorization: "Bearer mjk_for_e2e_tests_only", ...headers },
    });
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const text = await response.text();
    for (const block of text.split("\n\n")) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      if (field("data") !== undefined)
        yield { id: field("id"), event: field("event"), data: JSON.parse(field("data")!) };
    }
  }

  test("the stream sends all events of a flow, and after Last-Event-ID only the missed events", async () => {
    const id = await localServer.start({ then: [{ press: "U1" }] });
    const all = await Array.fromAsync(events(`/v1/flows/${id}/events`));
    expect(all[0].event).toBe("task.submitted");
    expect(all.at(-1).event).toBe("flow.completed");
    expect(new Set(all.map(({ id: own }) => own)).size).toBe(all.length);
    const first = { "last-event-id": all[0].id };
    const missed = await Array.fromAsync(events(`/v1/flows/${id}/events`, first));
    expect(missed.map(({ id: own }) => own)).not.toContain(all[0].id);
    expect(missed.at(-1).id).toBe(all.at(-1).id);
    const headers = { authorization: "Bearer mjk_for_e2e_tests_only", "last-event-id": all.at(-1).id };
    expect((await fetch(`${localServer.url}/v1/flows/${id}/events`, { headers })).status).toBe(204);
  });
});

describe("archive", () => {
  test("each image is archived once even if the server is killed during the copy, and a tile needs no submission", async () => {
    const id = await localServer.start({ archive: true, then: [{ press: ["tile:1", "tile:4", "U1"] }] });
    await until(
      () => localServer.flow(id),
      // Waits until the vendor has responded for both tasks. If the server were killed before, it would correctly
      // submit the task without a response again.
      (flow) => flow.tasks.filter((task: Json) => task.providerTaskId !== null).length === 2,
    );
    await restart();
    const flow = await until(
      () => localServer.flow(id),
      (now) => now.status === "completed" && now.tasks.every((task: Json) => task.copies.length === 1),
      150_000,
    );
    expect(flow.counts.submissions).toBe(2);
    for (const task of flow.tasks) {
      const response = await fetch(task.copies[0].url);
      expect(response.headers.get("content-type")).toBe("image/png");
      expect((await response.arrayBuffer()).byteLength).toBe(task.copies[0].bytes);
    }
    const [tile] = flow.tasks.filter((task: Json) => task.action === "TILE");
    expect(tile.imageUrl).toBe(tile.copies[0].url);
    expect((await fetch(tile.imageUrl.replace(/s=..../, "s=AAAA"))).status).toBe(404);
  }, 180_000);
});
