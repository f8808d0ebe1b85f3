/** The test of a vendor account against simulated vendors of every family, and through the API. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAccountTester } from "@mjflow/providers/account-test/account-test";
import { FORMS } from "@mjflow/providers/families/index";
import { createHttpClient } from "@mjflow/providers/http-client";
import { KNOWN_PROVIDER_IDS } from "@mjflow/providers/registry";
import { type FaultSpec, manualClock, type ProviderId, type Simulator, startSimulator } from "@mjflow/simulator/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createApiClient, OPERATOR } from "../app/api-client.ts";

/** Short, because a slow vendor never responds in these tests. */
const limits = { requestMs: 300, totalMs: 600 };
const tester = createAccountTester({ httpClient: createHttpClient(), now: Date.now, limits });
const KEY = "right-key-of-a-test";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ clock: manualClock(), seed: 7 });
});
afterEach(() => simulator.disarm());
afterAll(() => simulator.stop());

const run = (id: ProviderId, apiKey = KEY, baseUrl = simulator.baseUrl(id)) => tester.test(id, { baseUrl, apiKey });

async function withFault(id: ProviderId, fault: Omit<FaultSpec, "provider">) {
  simulator.arm({ provider: id, times: 9, ...fault });
  return run(id);
}

/** The origin of a TCP port on which no server listens. */
async function deadOrigin(): Promise<string> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}

const familyOf = (id: string) => (FORMS.has(id) ? id : "mjproxy");

/** These simulated vendors accept requests without a key. */
const NO_KEY_NEEDED = new Set(["simulator", "xfusionai"]);

describe.each(KNOWN_PROVIDER_IDS as ProviderId[])("%s", (id) => {
  test("a right key, a wrong key, a dead TCP port, a page, 429 and a slow server have different results", async () => {
    expect((await run(id)).code).toBe(NO_KEY_NEEDED.has(id) ? "key_not_checked" : "ok");
    expect((await run(id, "wrong-key")).code).toBe("unauthorized");
    expect(await run(id, KEY, await deadOrigin())).toMatchObject({ code: "unreachable", reason: "ECONNREFUSED" });
    expect((await withFault(id, { kind: "lookup-page" })).code).toBe("not_this_protocol");
    simulator.disarm();
    expect((await withFault(id, { kind: "lookup-5xx", httpStatus: 429 })).code).toBe("rate_limited");
    simulator.disarm();
    expect((await withFault(id, { kind: "lookup-5xx", httpStatus: 500 })).code).toBe("unknown");
    simulator.disarm();
    const slow = await withFault(id, { kind: "slow-answer", delayMs: 3_600_000 });
    expect(slow).toMatchObject({ code: "no_response", reason: "timeout" });
  });

  test("a test submits nothing and pays nothing", async () => {
    await run(id);
    expect(simulator.ledger().submissions).toEqual([]);
    expect(simulator.ledger().counts.tasks).toBe(0);
  });

  test("the address of a vendor with another protocol is never right", async () => {
    for (const other of KNOWN_PROVIDER_IDS as ProviderId[]) {
      if (familyOf(other) === familyOf(id)) continue;
      const { code } = await run(id, KEY, simulator.baseUrl(other));
      // A vendor misses its own header with the key, or the route, or responds in a form that the family does not know.
      expect(["unauthorized", "not_this_protocol", "unknown"], other).toContain(code);
    }
  });
});

describe("POST /v1/providers/{id}/accounts/{name}/test", () => {
  let api: ReturnType<typeof createApiClient>;
  const ACCOUNT = { baseUrl: "https://spare.test/v1", apiKey: "sk-a-key-that-nobody-is-shown" };
  const operator = (method: string, path: string, body?: unknown) => api.call(OPERATOR, method, path, body);
  const start = (name: string) => operator("POST", `/v1/providers/fake/accounts/${name}/test`);

  beforeEach(() => {
    api = createApiClient();
  });

  test("the account is tested with its own address and key, and the result has all fields", async () => {
    const tested: unknown[] = [];
    api.harness.deps.accountTester.test = async (...args: unknown[]) => {
      tested.push(args);
      return { code: "unauthorized", latencyMs: 31, status: 401, vendorText: "<b>no</b>" };
    };
    await operator("POST", "/v1/providers/fake/accounts/second", { ...ACCOUNT, weight: 0 });
    const { status, body } = await start("second");
    expect(status).toBe(200);
    expect(tested).toEqual([["fake", ACCOUNT]]);
    expect(body).toEqual({
      provider: "fake",
      account: "second",
      ok: false,
      code: "unauthorized",
      reachable: true,
      key: "refused",
      latencyMs: 31,
      status: 401,
      reason: null,
      vendorText: "<b>no</b>",
      redirectsTo: null,
      advice: expect.stringContaining("key"),
      testedAt: "2026-11-21T00:00:00.000Z",
    });
  });

  test("a redirect is advice with its target", async () => {
    api.harness.deps.accountTester.test = async () => {
      return { code: "not_this_protocol", latencyMs: 3, status: 301, redirectsTo: "https://www.vendor.test" };
    };
    const { body } = await start("default");
    expect(body.redirectsTo).toBe("https://www.vendor.test");
    expect(body.advice).toBe("The vendor redirects to https://www.vendor.test. Set that address as baseUrl.");
  });

  test("a failed test changes neither circuit breaker nor slots, and no row", async () => {
    api.harness.deps.accountTester.test = async () => ({ code: "unreachable", latencyMs: 1, reason: "ECONNREFUSED" });
    const before = JSON.stringify([api.harness.dump(), (await operator("GET", "/v1/providers")).body]);
    for (let i = 0; i < 20; i++) expect((await start("default")).body.ok).toBe(false);
    expect(JSON.stringify([api.harness.dump(), (await operator("GET", "/v1/providers")).body])).toBe(before);
    await api.harness.start();
    await api.harness.drain();
    expect(api.harness.vendor.calls).toHaveLength(1);
  });

  test("neither the key nor the vendor's words are in the log", async () => {
    api.harness.deps.accountTester.test = async () => {
      return { code: "unknown", latencyMs: 3, status: 500, vendorText: "words of the vendor" };
    };
    await operator("POST", "/v1/providers/fake/accounts/second", ACCOUNT);
    await start("second");
    const log = api.harness.log.join();
    expect(log).toContain("vendor.account-tested");
    expect(log).not.toMatch(/words of the vendor|sk-a-key/);
  });

  test("an unknown account is not found, and one without a readable key is in the wrong state", async () => {
    expect((await start("nobody")).body).toMatchObject({ status: 404, code: "not_found" });
    expect((await operator("POST", "/v1/providers/nobody/accounts/a/test")).status).toBe(404);
    await operator("POST", "/v1/providers/fake/accounts/second", ACCOUNT);
    const { vendorStore } = api.harness.deps;
    const stored = (await vendorStore.storedAccount("fake", "second"))!;
    await vendorStore.saveStoredAccount({ ...stored, name: "moved", rev: 0 });
    expect((await start("moved")).body).toMatchObject({ status: 409, code: "wrong_state" });
  });

  test("the key of an app cannot test accounts", async () => {
    const { key } = await api.join();
    const { body } = await api.call(key, "POST", "/v1/providers/fake/accounts/default/test");
    expect(body).toMatchObject({ status: 403, code: "forbidden" });
  });
});
