/** `GET /v1/providers`: the health of each account, without secrets. */
import { failure } from "@mjflow/core/error";
import { TIMINGS } from "@mjflow/core/timing";
import { beforeEach, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "../app/api-client.ts";

let api: ApiClient;
beforeEach(() => {
  api = createApiClient();
});

const list = async (key = OPERATOR) => (await api.call(key, "GET", "/v1/providers")).body.data;
const account = async (name = "default") => {
  const accounts = (await list())[0].accounts as { name: string }[];
  return accounts.find((each) => each.name === name);
};
const iso = (afterMs: number) => new Date(api.harness.deps.clock.now() + afterMs).toISOString();

test("an account with a permanent fault is open, then half-open, and a new key closes it", async () => {
  api.harness.vendor.next({ kind: "refused", failure: failure("vendor_unauthorized") });
  await api.call(OPERATOR, "POST", "/v1/flows", FLOW);
  await api.harness.drain();
  expect(await account()).toMatchObject({ circuit: "open", fault: "unauthorized", openUntil: iso(TIMINGS.openMs) });
  api.harness.advance(TIMINGS.openMs);
  expect(await account()).toMatchObject({ circuit: "half-open", fault: "unauthorized", openUntil: null });
  await api.call(OPERATOR, "PATCH", "/v1/providers/fake/accounts/default", { weight: 2 });
  expect(await account()).toMatchObject({ circuit: "half-open", weight: 2 });
  await api.call(OPERATOR, "PATCH", "/v1/providers/fake/accounts/default", { apiKey: "sk-new" });
  expect(await account()).toMatchObject({ circuit: "closed", fault: null });
});

test("an account shows busyUntil after a busy outcome, and silent callbacks and askAt after failed look-ups", async () => {
  api.harness.vendor.next({ kind: "busy", reason: "23", afterMs: 90_000 });
  await api.call(OPERATOR, "POST", "/v1/flows", FLOW);
  await api.harness.drain();
  expect(await account()).toMatchObject({ circuit: "closed", busyUntil: iso(90_000), callbacks: "unknown" });
  api.harness.advance(90_001);
  expect(await account()).toMatchObject({ busyUntil: null });
  const { accounts } = api.harness.deps;
  await accounts.recordMissedCallbacks("fake", "default", 3, api.harness.deps.clock.now());
  await accounts.recordLookup("fake", "default", "failed");
  expect(await account()).toMatchObject({
    callbacks: "silent",
    failures: 1,
    askAt: iso(TIMINGS.lookupMs),
    lookupFault: "failed",
  });
});

test("stored accounts are listed with the configured ones, without keys and URLs", async () => {
  const stored = { baseUrl: "https://spare.test/t0k3n", apiKey: "sk-stored", weight: 3, maxRunning: 5 };
  await api.call(OPERATOR, "POST", "/v1/providers/fake/accounts/second", stored);
  expect(await account("second")).toMatchObject({ weight: 3, maxRunning: 5, circuit: "closed" });
  const { key } = await api.join();
  const { text } = await api.call(key, "GET", "/v1/providers");
  for (const secret of ["sk-stored", "secret-key", "t0k3n", "spare.test"]) expect(text).not.toContain(secret);
});
