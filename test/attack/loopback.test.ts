/** Whether apps can make the local server call other servers of its machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SpawnedServer, spawnServer } from "../support/spawned.ts";

let dataDir: string;
let server: SpawnedServer | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "mjflow-loopback-"));
});
afterEach(async () => {
  await server?.kill();
  rmSync(dataDir, { recursive: true, force: true });
});

const TARGETS = ["http://127.0.0.1:9/", "http://localhost:9/"];
const REJECTED = [400, "url"];
const REAL = { MJFLOW_COMETAPI_BASE_URL: "https://vendor.example", MJFLOW_COMETAPI_KEY: "sk-test" };

/** Registers webhook URLs on this machine and returns the statuses, with the rejected field. */
async function statuses(env: Record<string, string> = {}): Promise<unknown[]> {
  server = await spawnServer({ dataDir, env });
  const { call } = server;
  const responses = await Promise.all(TARGETS.map((url) => call("POST", "/v1/endpoints", { url })));
  return responses.map(({ status, body }) => (status === 201 ? status : [status, body.field]));
}

test("webhook URLs on this machine are accepted while all vendors are simulated", async () => {
  expect(await statuses()).toEqual([201, 201]);
});

test("webhook URLs on this machine are rejected if one vendor is real, unless the setting allows them", async () => {
  expect(await statuses(REAL)).toEqual([REJECTED, REJECTED]);
  await server!.stop();
  expect(await statuses({ ...REAL, MJFLOW_OUTBOUND_ALLOW: "127.0.0.1:*" })).toEqual([201, REJECTED]);
});

test("a real vendor account that was added through the API counts from the next start", async () => {
  server = await spawnServer({ dataDir });
  const account = { baseUrl: "https://vendor.example", apiKey: "sk-test" };
  expect((await server.call("POST", "/v1/providers/cometapi/accounts/main", account)).status).toBeLessThan(300);
  await server.stop();
  expect(await statuses()).toEqual([REJECTED, REJECTED]);
});
