/** A vendor that accepts every connection and never answers holds a quarter of the slots and delays no other vendor. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { groupLimit } from "@mjflow/queue/fair";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SpawnedServer, spawnServer, until } from "../support/spawned.ts";

const HUNG_FLOWS = 60;
/** Slots of submissions in the local server, and what one vendor account can have of them. */
const SLOTS = 128;
const QUARTER = SLOTS / 4;

let vendor: Server;
let server: SpawnedServer;
let held: ServerResponse[];

beforeEach(async () => {
  held = [];
  vendor = createServer((_, response) => void held.push(response));
  vendor.listen(0, "127.0.0.1");
  await once(vendor, "listening");
  const url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`;
  server = await spawnServer({
    env: { MJFLOW_GITAIGC_BASE_URL: url, MJFLOW_GITAIGC_KEY: "hung", MJFLOW_SIMULATOR_SPEED: "0.05" },
  });
});

afterEach(async () => {
  // The requests of the hung vendor would keep the server running for a minute.
  await server.kill();
  vendor.closeAllConnections();
  vendor.close();
});

test("flows at another vendor end while all requests to the hung vendor are still open", async () => {
  for (let i = 0; i < HUNG_FLOWS; i++) await server.start({ provider: "gitaigc" });
  const most = await until(
    async () => held.length,
    (count) => count === QUARTER,
  );
  const flows = await Promise.all(Array.from({ length: 10 }, () => server.start({ provider: "simulator" })));
  for (const id of flows) expect(await server.ended(id)).toMatchObject({ status: "completed" });
  // No request was answered, given up or sent in addition meanwhile.
  expect(held.filter(({ destroyed }) => !destroyed)).toHaveLength(most);
  expect(groupLimit(SLOTS - QUARTER)).toBe(QUARTER);
});

test("a slot that the hung vendor gives back is used for its next flow", async () => {
  for (let i = 0; i < HUNG_FLOWS; i++) await server.start({ provider: "gitaigc" });
  await until(
    async () => held.length,
    (count) => count === QUARTER,
  );
  for (const response of held.slice(0, 5))
    response.writeHead(400, { "content-type": "application/json" }).end('{"code": 24, "description": "banned"}');
  expect(
    await until(
      async () => held.length,
      (count) => count === QUARTER + 5,
    ),
  ).toBe(QUARTER + 5);
});
