/** An app of its own on a real house: its key, its limits, its requests sent twice, and its flows called off. */
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

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.call(method, path, body, { authorization: `Bearer ${app.key}`, ...headers });
const FLOW = { provider: "simulator", prompt: "a boat", then: [{ press: "U1" }] };
const keyed = { "idempotency-key": "order-7" };
let flow: Json;

test("ten requests under one key at once are one flow, paid for once", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask("POST", "/v1/flows", FLOW, keyed)));
  expect(answers.every(({ status }) => [200, 202, 409].includes(status))).toBe(true);
  const ids = new Set(answers.filter(({ status }) => status < 300).map(({ body }) => body.id));
  expect(ids.size).toBe(1);
  flow = (await ask("GET", `/v1/flows/${[...ids][0]}`, undefined, { prefer: "wait=20" })).body;
  expect(flow).toMatchObject({ status: "completed" });
  expect((await ask("GET", "/v1/flows")).body.data).toHaveLength(1);
  const ledger: Ledger = await server.sim("GET", "/ledger");
  expect(ledger.counts.tasks).toBe(2);
  expect((await ask("GET", "/v1/usage")).body).toMatchObject({ settledUsd: 0.05, reservedUsd: 0, balanceUsd: 0.95 });
});

test("what has not changed is not sent again", async () => {
  const path = `/v1/flows/${flow.id}`;
  const tag = (await ask("GET", path)).headers.get("etag")!;
  const again = await fetch(server.url + path, {
    headers: { authorization: `Bearer ${app.key}`, "if-none-match": tag, prefer: "wait=20" },
  });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test("the operator's routes and flows are not the app's, nor are the app's the operator's", async () => {
  expect((await ask("GET", "/v1/apps")).status).toBe(403);
  expect((await server.call("GET", `/v1/flows/${flow.id}`)).status).toBe(404);
  const theirs = await server.start({});
  expect((await ask("GET", `/v1/flows/${theirs}`)).status).toBe(404);
});

test("a flow is called off and gone on with, and each end is settled", async () => {
  const { body } = await ask("POST", "/v1/flows", FLOW);
  await ask("POST", `/v1/flows/${body.id}/cancel`);
  const canceled = (await ask("GET", `/v1/flows/${body.id}`, undefined, { prefer: "wait=20" })).body;
  expect(canceled).toMatchObject({ status: "canceled", canceledAt: expect.any(String) });
  expect((await ask("GET", "/v1/flows?status=canceled")).body.data).toMatchObject([{ id: body.id }]);
  expect((await ask("POST", `/v1/flows/${body.id}/resume`)).status).toBe(202);
  const resumed = (await ask("GET", `/v1/flows/${body.id}`, undefined, { prefer: "wait=20" })).body;
  expect(resumed).toMatchObject({ status: "completed", canceledAt: null });
  expect(resumed.tasks.some(({ retryOf }: Json) => retryOf !== null)).toBe(true);
  expect((await ask("GET", "/v1/usage")).body).toMatchObject({ settledUsd: 0.1, reservedUsd: 0, runningFlows: 0 });
});

test("after kill -9 the app's key, its credit and its requests' keys are what they were", async () => {
  await server.kill();
  server = await spawnServer({ dataDir, port });
  const again = await ask("POST", "/v1/flows", FLOW, keyed);
  expect([again.status, again.body.id, again.headers.get("idempotency-replayed")]).toEqual([200, flow.id, "true"]);
  expect((await ask("POST", "/v1/flows", { ...FLOW, prompt: "another" }, keyed)).status).toBe(422);
  expect((await ask("GET", "/v1/usage")).body).toMatchObject({ settledUsd: 0.1, balanceUsd: 0.9 });
  await server.call("DELETE", `/v1/apps/${app.id}`);
  expect((await server.call("GET", `/v1/apps/${app.id}`)).status).toBe(404);
});
