import { createVault } from "@mjflow/engine/vault";
import { expect, test } from "vitest";
import { createApiClient, FLOW, OPERATOR } from "./api-client.ts";

const OLD = "a vault key for tests, long enough to be accepted";
const NEW = "another vault key, as long as a vault key has to be";
const VENDOR = { baseUrl: "https://vendor.test", apiKey: "sk-of-the-second-account" };

/** A stage whose apps were there before its vault's key was rotated. */
async function openRotated(apps: number) {
  const api = createApiClient();
  const { deps, harness } = api;
  const keys = [];
  for (let i = 0; i < apps; i++) {
    const { key } = await api.join(`shop ${i}`);
    const hook = { url: `https://shop-${i}.test/hook`, events: ["flow.completed"] };
    expect((await api.call(key, "POST", "/v1/endpoints", hook)).status).toBe(201);
    keys.push(key);
  }
  await api.call(OPERATOR, "POST", "/v1/providers/fake/accounts/second", VENDOR);
  /** From here on every container has these. */
  const rotate = (...vaultKeys: string[]) => {
    const vault = createVault(vaultKeys);
    deps.vault = vault;
    harness.deps.vault = vault;
    return { request: api.container().request };
  };
  const reseal = (query: string, on: { request: typeof api.app.request }) =>
    api.call(OPERATOR, "POST", `/v1/vault/reseal${query}`, undefined, {}, on).then(({ body }) => body);
  return { ...api, keys, rotate, reseal };
}

test("sealed anew, nothing needs the key before: webhooks go on, and verify as they did", async () => {
  const { harness, keys, call, rotate, reseal } = await openRotated(2);
  const both = rotate(NEW, OLD);
  expect(await reseal("", both)).toEqual({ looked: 3, resealed: 3, lost: 0, nextCursor: null });
  expect(await reseal("", both), "what is done is left alone").toMatchObject({ looked: 3, resealed: 0 });
  const one = rotate(NEW);
  expect(await reseal("", one), "nor does it need the key before to see that").toMatchObject({ resealed: 0, lost: 0 });
  await call(keys[0]!, "POST", "/v1/flows", FLOW, {}, one);
  await harness.finishAll();
  expect(harness.receiver.posts.map(({ url }) => url)).toEqual(["https://shop-0.test/hook"]);
  const [account] = await harness.deps.vendorStore.storedAccounts();
  expect(createVault([NEW]).open(account!.sealed!, "vendor/fake/second")).toBe(VENDOR.apiKey);
});

test("it goes by pages of apps, and each is looked at once", async () => {
  const { rotate, reseal } = await openRotated(5);
  const both = rotate(NEW, OLD);
  const pages = [];
  for (let query = "?limit=2"; query !== ""; ) {
    const page = await reseal(query, both);
    pages.push(page.resealed);
    query = page.nextCursor === null ? "" : `?limit=2&cursor=${page.nextCursor}`;
  }
  expect(pages, "the vendor's account comes with the first").toEqual([3, 2, 1]);
});

test("what no key opens is counted and left as it is, and the rest is sealed anew", async () => {
  const { call, keys, rotate, reseal } = await openRotated(1);
  const only = rotate(NEW);
  await call(keys[0]!, "POST", "/v1/endpoints", { url: "https://later.test/hook" }, {}, only);
  expect(await reseal("", only)).toMatchObject({ looked: 3, resealed: 0, lost: 2 });
  expect(await reseal("", rotate(NEW, OLD)), "set again, the key still opens them").toMatchObject({
    resealed: 2,
    lost: 0,
  });
});
