import { createVault } from "@mjflow/engine/vault";
import { expect, test } from "vitest";
import { createApiClient, FLOW, OPERATOR } from "./api-client.ts";

const OLD = "a vault key for tests, long enough to be accepted";
const NEW = "another vault key, as long as a vault key has to be";
const VENDOR = { baseUrl: "https://vendor.test", apiKey: "sk-of-the-second-account" };

/** Creates apps and an account before the vault key is rotated. */
async function createRotated(apps: number) {
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
  /** Sets the vault keys of every container from now on. */
  const rotate = (...vaultKeys: string[]) => {
    const vault = createVault(vaultKeys);
    deps.vault = vault;
    harness.deps.vault = vault;
    return { request: api.container().request };
  };
  const reencrypt = (query: string, on: { request: typeof api.app.request }) =>
    api.call(OPERATOR, "POST", `/v1/vault/reseal${query}`, undefined, {}, on).then(({ body }) => body);
  return { ...api, keys, rotate, reencrypt };
}

test("after re-encryption webhooks are signed as before without the old vault key", async () => {
  const { harness, keys, call, rotate, reencrypt } = await createRotated(2);
  const both = rotate(NEW, OLD);
  expect(await reencrypt("", both)).toEqual({ looked: 3, resealed: 3, lost: 0, nextCursor: null });
  expect(await reencrypt("", both), "current secrets are not encrypted again").toMatchObject({
    looked: 3,
    resealed: 0,
  });
  const one = rotate(NEW);
  expect(await reencrypt("", one), "the old key is not needed for this check").toMatchObject({ resealed: 0, lost: 0 });
  await call(keys[0]!, "POST", "/v1/flows", FLOW, {}, one);
  await harness.finishAll();
  expect(harness.receiver.posts.map(({ url }) => url)).toEqual(["https://shop-0.test/hook"]);
  const [account] = await harness.deps.vendorStore.storedAccounts();
  expect(createVault([NEW]).open(account!.sealed!, "vendor/fake/second")).toBe(VENDOR.apiKey);
});

test("the secrets of the operator's own endpoints are re-encrypted too", async () => {
  const { call, harness, rotate, reencrypt } = await createRotated(0);
  const hook = { url: "https://operator.test/hook", events: ["flow.completed"] };
  expect((await call(OPERATOR, "POST", "/v1/endpoints", hook)).status).toBe(201);
  expect(await reencrypt("", rotate(NEW, OLD))).toMatchObject({ looked: 2, resealed: 2, lost: 0 });
  await call(OPERATOR, "POST", "/v1/flows", FLOW, {}, rotate(NEW));
  await harness.finishAll();
  expect(harness.receiver.posts.map(({ url }) => url)).toEqual(["https://operator.test/hook"]);
});

test("re-encryption processes pages of apps, each app once", async () => {
  const { rotate, reencrypt } = await createRotated(5);
  const both = rotate(NEW, OLD);
  const pages = [];
  for (let query = "?limit=2"; query !== ""; ) {
    const page = await reencrypt(query, both);
    pages.push(page.resealed);
    query = page.nextCursor === null ? "" : `?limit=2&cursor=${page.nextCursor}`;
  }
  expect(pages, "the first page includes the vendor account").toEqual([3, 2, 1]);
});

test("secrets that no key decrypts are counted and not changed, and the others are re-encrypted", async () => {
  const { call, keys, rotate, reencrypt } = await createRotated(1);
  const only = rotate(NEW);
  await call(keys[0]!, "POST", "/v1/endpoints", { url: "https://later.test/hook" }, {}, only);
  expect(await reencrypt("", only)).toMatchObject({ looked: 3, resealed: 0, lost: 2 });
  expect(
    await reencrypt("", rotate(NEW, OLD)),
    "the old key still decrypts them when it is configured again",
  ).toMatchObject({
    resealed: 2,
    lost: 0,
  });
});
