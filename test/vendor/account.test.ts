/** Vendor accounts: configured accounts, and accounts that the operator stores at run time. */
import { failure } from "@mjflow/core/error";
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

test("tasks that wait for a full account start at once when the operator raises its limit", async () => {
  const { harness } = api;
  const patch = (maxRunning: number) => operator("PATCH", "/v1/providers/fake/accounts/default", { maxRunning });
  expect((await patch(1)).status).toBe(200);
  for (let i = 0; i < 3; i++) await harness.start();
  await harness.drain();
  expect(harness.vendor.calls).toHaveLength(1);
  expect((await patch(2)).status).toBe(200);
  await harness.drain();
  expect(harness.vendor.calls).toHaveLength(2);
});

describe("stored accounts", () => {
  test("a stored account is usable at once, for a configured vendor and for a new one", async () => {
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

  test("the API key of a stored account appears in no response, row or log line", async () => {
    const { text } = await add("fake/accounts/second", {
      ...ACCOUNT,
      baseUrl: "https://spare.test/a-path?token=t0k3n",
    });
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain("t0k3n");
    expect(JSON.stringify(api.harness.dump())).not.toContain(SECRET);
    expect(api.harness.log.join()).not.toContain(SECRET);
  });

  test("single fields of an account can be changed and reset, and an encrypted key works only for its own account", async () => {
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

  test("a stored account with the name of a configured one overrides only the stored fields", async () => {
    await operator("PATCH", "/v1/providers/fake/accounts/default", { weight: 0 });
    const vendor = api.harness.deps.providers.get("fake")!;
    expect(vendor.accounts()).toEqual([{ name: "default", weight: 0 }]);
    expect(vendor.account("default")).toMatchObject({ apiKey: "secret-key" });
    expect((await operator("DELETE", "/v1/providers/fake/accounts/default")).status).toBe(204);
    expect(api.harness.deps.providers.get("fake")!.accounts()).toEqual([{ name: "default", weight: 1 }]);
    expect((await operator("DELETE", "/v1/providers/fake/accounts/default")).status).toBe(409);
  });

  test("a deleted account is gone, and its vendor too if it was the last account", async () => {
    await add("spare/accounts/first");
    expect((await operator("DELETE", "/v1/providers/spare/accounts/first")).status).toBe(204);
    expect(api.harness.deps.providers.get("spare")).toBeUndefined();
    expect((await operator("DELETE", "/v1/providers/spare/accounts/first")).status).toBe(404);
  });

  test("an account that another request changes at the same moment is deleted nevertheless", async () => {
    await add("spare/accounts/first");
    const { vendorStore } = api.harness.deps;
    const { deleteStoredAccount, saveStoredAccount } = vendorStore;
    let changes = 1;
    vendorStore.deleteStoredAccount = async (stored) => {
      if (changes-- > 0) await saveStoredAccount({ ...stored, weight: 7 });
      await deleteStoredAccount(stored);
    };
    expect((await operator("DELETE", "/v1/providers/spare/accounts/first")).status).toBe(204);
    expect(await vendorStore.storedAccount("spare", "first")).toBeUndefined();
    expect(api.harness.deps.providers.get("spare")).toBeUndefined();
  });

  test("a duplicate account, an unknown vendor or an invalid field is rejected", async () => {
    await add("fake/accounts/second");
    expect((await add("fake/accounts/second")).body).toMatchObject({ status: 409, code: "already_exists" });
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

  test("the key of an app cannot manage accounts", async () => {
    const { key } = await api.join();
    for (const method of ["POST", "PATCH", "DELETE"]) {
      const response = await api.call(
        key,
        method,
        "/v1/providers/fake/accounts/second",
        method === "DELETE" ? undefined : {},
      );
      expect(response.body, method).toMatchObject({ status: 403, code: "forbidden" });
    }
  });
});

describe("another container", () => {
  const container = () => {
    const { vendors, vendorStore, vault, clock, log } = api.harness.deps;
    return createVendors({ configured: vendors.configured, vendorStore, vault, clock, log, cacheTtlMs: 30_000 });
  };

  test("another container uses a new account after its cache time, or at once after a forced refresh", async () => {
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

  test("a container uses its cached accounts while the table fails, and throws without cached accounts", async () => {
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

test("a worker that has not cached a new account reads the table before it ends a task of that account", async () => {
  const { harness } = api;
  await harness.deps.vendors.refresh();
  const flow = await harness.start();
  // The account is stored as by another container, so the cache of this container does not contain it.
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

describe("a key that is replaced while workers have the old one", () => {
  /** Stores a key as another container does, so the cache of this container keeps the old one. */
  async function replaceKey(apiKey: string): Promise<void> {
    const { vendorStore, vault } = api.harness.deps;
    const at = { provider: "fake", name: "default", rev: 0, createdAt: 0, updatedAt: 0 };
    await vendorStore.saveStoredAccount({ ...at, sealed: vault.seal(apiKey, "vendor/fake/default") });
  }

  test.each(["vendor_unauthorized", "vendor_out_of_money"] as const)(
    "%s of the old key fails no task and does not open the circuit breaker",
    async (code) => {
      const { harness } = api;
      await harness.deps.vendors.refresh();
      const flow = await harness.start();
      await replaceKey("sk-of-today");
      harness.vendor.next({ kind: "refused", failure: failure(code) });
      await harness.drain();
      expect((await harness.deps.store.health("fake", "default"))?.openUntil).toBeUndefined();
      expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ status: "SUBMITTED" });
      expect(harness.vendor.calls.map(({ context }) => context.account.apiKey)).toEqual(["secret-key", "sk-of-today"]);
    },
  );

  test("a new key that the vendor refuses too opens the circuit breaker", async () => {
    const { harness } = api;
    await harness.deps.vendors.refresh();
    const flow = await harness.start();
    await replaceKey("sk-of-today");
    const refusal = { kind: "refused", failure: failure("vendor_unauthorized") } as const;
    harness.vendor.next(refusal);
    harness.vendor.next(refusal);
    await harness.drain();
    harness.advance(harness.deps.timings.busyMs * 2);
    await harness.drain();
    expect((await harness.read(flow)).tasks.get("0")).toMatchObject({ failure: { code: "vendor_unauthorized" } });
    expect(await harness.deps.store.health("fake", "default")).toMatchObject({ fault: "unauthorized" });
  });
});
