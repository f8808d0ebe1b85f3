/** Several accounts at one vendor: configured, and stored by the operator while everything runs. */
import { createVendors } from "@mjflow/engine/vendor-accounts";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, OPERATOR } from "../app/api-client.ts";

const SECRET = "sk-a-key-that-nobody-is-shown";
const ACCOUNT = { baseUrl: "https://spare.test/v1", apiKey: SECRET };
let api: ApiClient;

beforeEach(() => {
  api = createApiClient();
});

const operator = (method: string, path: string, body?: unknown) => api.call(OPERATOR, method, path, body);
const add = (path: string, body: unknown = ACCOUNT) => operator("POST", `/v1/providers/${path}`, body);
const config = (id: string, name: string) => api.harness.deps.providers.get(id)?.account(name);

describe("an account stored by the operator", () => {
  test("is there at once, for a vendor of the configuration and for one that is not in it", async () => {
    const added = await add("fake/accounts/second", { ...ACCOUNT, weight: 2, maxRunning: 3 });
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({ provider: "fake", name: "second", weight: 2, maxRunning: 3, hasKey: true });
    await add("spare/accounts/first");
    expect(config("fake", "second")).toEqual(ACCOUNT);
    expect(config("spare", "first")).toEqual(ACCOUNT);
    const { providers } = api.harness.deps;
    expect(providers.ids()).toEqual(["fake", "spare"]);
    expect(providers.get("fake")!.accounts()).toEqual([
      { name: "default", weight: 1 },
      { name: "second", weight: 2, maxRunning: 3 },
    ]);
  });

  test("shows its key to nobody: not in an answer, not in the table, not in a log line", async () => {
    const { text } = await add("fake/accounts/second", {
      ...ACCOUNT,
      baseUrl: "https://spare.test/a-path?token=t0k3n",
    });
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain("t0k3n");
    expect(JSON.stringify(api.harness.dump())).not.toContain(SECRET);
    expect(api.harness.log.join()).not.toContain(SECRET);
  });

  test("is changed a field at a time, and set back; a key sealed for one opens for no other", async () => {
    await add("fake/accounts/second", { ...ACCOUNT, weight: 2, maxRunning: 3 });
    const path = "/v1/providers/fake/accounts/second";
    expect((await operator("PATCH", path, { weight: 5, maxRunning: null })).body).toMatchObject({
      weight: 5,
      maxRunning: null,
      baseUrl: "https://spare.test",
    });
    await operator("PATCH", path, { apiKey: "sk-new" });
    expect(config("fake", "second")).toEqual({ ...ACCOUNT, apiKey: "sk-new" });
    const { vendorStore, vendors } = api.harness.deps;
    const stored = (await vendorStore.storedAccount("fake", "second"))!;
    await vendorStore.saveStoredAccount({ ...stored, name: "thief", rev: 0 });
    await vendors.refresh("force");
    expect(config("fake", "thief")).toBeUndefined();
    expect(api.harness.log.join()).toContain("vendor.key-unopened");
  });

  test("of the configuration's name changes what it says, and leaves the rest to it", async () => {
    await operator("PATCH", "/v1/providers/fake/accounts/default", { weight: 0 });
    const vendor = api.harness.deps.providers.get("fake")!;
    expect(vendor.accounts()).toEqual([{ name: "default", weight: 0 }]);
    expect(vendor.account("default")).toMatchObject({ apiKey: "secret-key" });
    expect((await operator("DELETE", "/v1/providers/fake/accounts/default")).status).toBe(204);
    expect(api.harness.deps.providers.get("fake")!.accounts()).toEqual([{ name: "default", weight: 1 }]);
    expect((await operator("DELETE", "/v1/providers/fake/accounts/default")).status).toBe(409);
  });

  test("once removed is gone, and its vendor with it where it was the last", async () => {
    await add("spare/accounts/first");
    expect((await operator("DELETE", "/v1/providers/spare/accounts/first")).status).toBe(204);
    expect(api.harness.deps.providers.get("spare")).toBeUndefined();
    expect((await operator("DELETE", "/v1/providers/spare/accounts/first")).status).toBe(404);
  });

  test("is not made twice, nor at a vendor nobody knows, nor in words that cannot be right", async () => {
    await add("fake/accounts/second");
    expect((await add("fake/accounts/second")).body).toMatchObject({ status: 409, code: "conflict" });
    expect((await add("nobody/accounts/a")).status).toBe(404);
    expect((await operator("PATCH", "/v1/providers/fake/accounts/nobody", { weight: 1 })).status).toBe(404);
    for (const [name, body, field] of [
      ["a.b", ACCOUNT, "name"],
      ["a", { apiKey: SECRET }, "baseUrl"],
      ["a", { ...ACCOUNT, baseUrl: "https://me:secret@x.test" }, "baseUrl"],
      ["a", { ...ACCOUNT, apiKey: "two\nlines" }, "apiKey"],
      ["a", { ...ACCOUNT, maxRunning: 0 }, "maxRunning"],
      ["a", { ...ACCOUNT, weight: -1 }, "weight"],
    ] as const) {
      expect((await add(`fake/accounts/${name}`, body)).body, field).toMatchObject({ code: "invalid_request", field });
    }
  });

  test("is no app's business", async () => {
    const { key } = await api.join();
    for (const method of ["POST", "PATCH", "DELETE"]) {
      const answer = await api.call(
        key,
        method,
        "/v1/providers/fake/accounts/second",
        method === "DELETE" ? undefined : {},
      );
      expect(answer.body, method).toMatchObject({ status: 403, code: "forbidden" });
    }
  });
});

describe("another container", () => {
  const container = () => {
    const { vendors, vendorStore, vault, clock, log } = api.harness.deps;
    return createVendors({ configured: vendors.configured, vendorStore, vault, clock, log, cacheTtlMs: 30_000 });
  };

  test("hears of it when its belief is over, or at once when it is about to say that there is none", async () => {
    const other = container();
    await other.refresh();
    await add("fake/accounts/second");
    await other.refresh();
    expect(other.get("fake")!.account("second")).toBeUndefined();
    await other.refresh("force");
    expect(other.get("fake")!.account("second")).toEqual(ACCOUNT);
    await operator("DELETE", "/v1/providers/fake/accounts/second");
    api.harness.advance(30_001);
    await other.refresh();
    expect(other.get("fake")!.account("second")).toBeUndefined();
  });

  test("goes on with what it believed while the table is in trouble; without any belief it says nothing", async () => {
    const other = container();
    await add("fake/accounts/second");
    const { vendorStore } = api.harness.deps;
    const { storedAccounts } = vendorStore;
    vendorStore.storedAccounts = () => Promise.reject(new Error("throttled"));
    await expect(other.refresh()).rejects.toThrow("throttled");
    vendorStore.storedAccounts = storedAccounts;
    await other.refresh();
    vendorStore.storedAccounts = () => Promise.reject(new Error("throttled"));
    api.harness.advance(30_001);
    await other.refresh();
    expect(other.get("fake")!.account("second")).toEqual(ACCOUNT);
    await expect(other.refresh("force")).rejects.toThrow("throttled");
  });
});

test("a task of an account stored a moment ago is not ended by a worker that has not heard of it", async () => {
  const { harness } = api;
  await harness.deps.vendors.refresh();
  const flow = await harness.start();
  // As another container's API would: this one is not told.
  const { vendorStore, vault } = harness.deps;
  const at = { provider: "fake", name: "new", rev: 0, createdAt: 0, updatedAt: 0 };
  await vendorStore.saveStoredAccount({
    ...at,
    ...{ baseUrl: ACCOUNT.baseUrl, sealed: vault.seal(SECRET, "vendor/fake/new") },
  });
  const root = (await harness.read(flow)).tasks.get("0")!;
  await harness.deps.store.saveTask({ ...root, account: "new" });
  await harness.drain();
  expect(harness.vendor.calls.map(({ context }) => context.account)).toEqual([ACCOUNT]);
});
