/** An app on a running local server: its key, its limits, repeated requests, and canceled flows. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@mjflow/local/engine/port";
import type { Ledger } from "@mjflow/simulator/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Json, type SpawnedServer, spawnServer } from "../support/spawned.ts";

let dataDir: string;
let port: number;
let server: SpawnedServer;
let app: { id: string; key: string };
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "mjflow-e2e-app-"));
  port = await freePort();
  server = await spawnServer({ dataDir, port });
  const { body } = await server.call("POST", "/v1/apps", { name: "shop", limits: { creditsUsd: 1, runningFlows: 3 } });
  const made = await server.call("POST", `/v1/apps/${body.id}/keys`, {});
  app = { id: body.id, key: made.body.key };
});
afterAll(async () => {
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const request = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.call(method, path, body, { authorization: `Bearer ${app.key}`, ...headers });
const FLOW = { provider: "simulator", prompt: "a boat", then: [{ press: "U1" }] };
const keyed = { "idempotency-key": "order-7" };
let flow: Json;

test("ten simultaneous requests with one idempotency key create one flow that is charged once", async () => {
  const responses = await Promise.all(Array.from({ length: 10 }, () => request("POST", "/v1/flows", FLOW, keyed)));
  expect(responses.every(({ status }) => [200, 202, 409].includes(status))).toBe(true);
  const ids = new Set(responses.filter(({ status }) => status < 300).map(({ body }) => body.id));
  expect(ids.size).toBe(1);
  flow = (await request("GET", `/v1/flows/${[...ids][0]}`, undefined, { prefer: "wait=20" })).body;
  expect(flow).toMatchObject({ status: "completed" });
  expect((await request("GET", "/v1/flows")).body.data).toHaveLength(1);
  const ledger: Ledger = await server.sim("GET", "/ledger");
  expect(ledger.counts.tasks).toBe(2);
  expect((await request("GET", "/v1/usage")).body).toMatchObject({
    settledUsd: 0.05,
    reservedUsd: 0,
    balanceUsd: 0.95,
  });
});

test("an unchanged flow is answered with 304 and an empty body", async () => {
  const path = `/v1/flows/${flow.id}`;
  const tag = (await request("GET", path)).headers.get("etag")!;
  const again = await fetch(server.url + path, {
    headers: { authorization: `Bearer ${app.key}`, "if-none-match": tag, prefer: "wait=20" },
  });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("an app cannot use operator routes or read the operator's flows, and the operator cannot read the app's flows", async () => {
  expect((await request("GET", "/v1/apps")).status).toBe(403);
  expect((await server.call("GET", `/v1/flows/${flow.id}`)).status).toBe(404);
  const theirs = await server.start({});
  expect((await request("GET", `/v1/flows/${theirs}`)).status).toBe(404);
});

test("credit is settled at the end of a canceled flow and again at the end after its resume", async () => {
  const { body } = await request("POST", "/v1/flows", FLOW);
  await request("POST", `/v1/flows/${body.id}/cancel`);
  const canceled = (await request("GET", `/v1/flows/${body.id}`, undefined, { prefer: "wait=20" })).body;
  expect(canceled).toMatchObject({ status: "canceled", canceledAt: expect.any(String) });
  expect((await request("GET", "/v1/flows?status=canceled")).body.data).toMatchObject([{ id: body.id }]);
  expect((await request("POST", `/v1/flows/${body.id}/resume`)).status).toBe(202);
  const resumed = (await request("GET", `/v1/flows/${body.id}`, undefined, { prefer: "wait=20" })).body;
  expect(resumed).toMatchObject({ status: "completed", canceledAt: null });
  expect(resumed.tasks.some(({ retryOf }: Json) => retryOf !== null)).toBe(true);
  expect((await request("GET", "/v1/usage")).body).toMatchObject({ settledUsd: 0.1, reservedUsd: 0, runningFlows: 0 });
});

test("the app's key, its credit and its idempotency keys survive kill -9", async () => {
  await server.kill();
  server = await spawnServer({ dataDir, port });
  const again = await request("POST", "/v1/flows", FLOW, keyed);
  expect([again.status, again.body.id, again.headers.get("idempotency-replayed")]).toEqual([200, flow.id, "true"]);
  expect((await request("POST", "/v1/flows", { ...FLOW, prompt: "another" }, keyed)).status).toBe(422);
  expect((await request("GET", "/v1/usage")).body).toMatchObject({ settledUsd: 0.1, balanceUsd: 0.9 });
  await server.call("DELETE", `/v1/apps/${app.id}`);
  expect((await server.call("GET", `/v1/apps/${app.id}`)).status).toBe(404);
});
