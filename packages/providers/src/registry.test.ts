import { describe, expect, test } from "vitest";
import { createHttpClient } from "./http-client.ts";
import { createProviders, KNOWN_PROVIDER_IDS, type ProvidersConfig } from "./registry.ts";

const baseUrl = "https://x.test";
const apiKey = "sk-secret";
const account = { baseUrl, apiKey };
const create = (config: unknown) => createProviders(config as ProvidersConfig, { httpClient: createHttpClient() });

describe("configured vendors", () => {
  test("a provider with a single account has an account named default with weight 1", () => {
    const vendor = create({ cometapi: account }).get("cometapi")!;
    expect(vendor.accounts()).toEqual([{ name: "default", weight: 1 }]);
    expect(vendor.account("default")).toEqual(account);
    expect(vendor.account("other")).toBeUndefined();
  });

  test("a provider with several accounts lists their names, weights and limits, without API keys", () => {
    const accounts = {
      a: { ...account, weight: 3 },
      c: { ...account, simulated: true },
      "b-2": { ...account, apiKey: "sk-other", maxRunning: 12 },
    };
    const vendor = create({ trueai: { accounts } }).get("trueai")!;
    expect(vendor.accounts()).toEqual([
      { name: "a", weight: 3 },
      { name: "c", weight: 1, simulated: true },
      { name: "b-2", weight: 1, maxRunning: 12 },
    ]);
    expect(vendor.account("b-2")).toEqual({ baseUrl, apiKey: "sk-other" });
    expect(vendor.account("default")).toBeUndefined();
  });

  test("the registry has one provider for every dialect, also for dialects that are not configured", () => {
    const registry = create({ cometapi: account });
    expect(registry.ids()).toEqual(["cometapi"]);
    expect(registry.dialect("cometapi")).toBe(registry.get("cometapi")!.provider);
    expect(registry.dialect("agicto")).toMatchObject({ id: "agicto" });
    expect(registry.get("agicto")).toBeUndefined();
    expect(registry.dialect("nobody")).toBeUndefined();
  });

  test("a vendor of another protocol family is configured in the same way, and its code is not loaded for that", () => {
    const registry = create({ ttapi: account });
    expect(registry.get("ttapi")!.provider).toMatchObject({ id: "ttapi", title: "TTAPI" });
    const known = registry.known!().map(({ id }) => id);
    expect(known).toEqual(KNOWN_PROVIDER_IDS.filter((id) => id !== "simulator"));
    expect(known).toEqual(expect.arrayContaining(["cometapi", "useapi", "legnext"]));
  });

  test("what nothing confirms is off, and is turned on by its name", () => {
    const actions = (setting: object) =>
      create({ acedatacloud: { ...account, ...setting } }).get("acedatacloud")!.provider.capabilities.rootActions;
    expect(actions({})).not.toContain("shorten");
    expect(actions({ unproven: ["shorten"] })).toEqual(["imagine", "blend", "edit", "describe", "shorten"]);
  });

  test.each([[["wings"]], ["shorten"], [[7]]])(
    "the unproven names %j are an error that names the known ones",
    (unproven) => {
      expect(() => create({ acedatacloud: { ...account, unproven } })).toThrow(
        '"unproven" of provider "acedatacloud" needs a list of: shorten',
      );
    },
  );

  test("blanks and line breaks around a key and an address are removed", () => {
    const vendor = create({ cometapi: { baseUrl: ` ${baseUrl}\n`, apiKey: `${apiKey}\r\n` } }).get("cometapi")!;
    expect(vendor.account("default")).toEqual(account);
  });

  test.each(["sk-secret ключ", "sk-secret\tx", "sk-secret…", "sk secret", "sk-secret\u0000"])(
    "the key %j cannot be a header, so the start fails with a sentence that does not contain it",
    (key) => {
      expect(() => create({ cometapi: { baseUrl, apiKey: key } })).toThrow(
        'Provider "cometapi" needs an apiKey of visible ASCII characters, without blanks. Copy the key again.',
      );
    },
  );

  const bad: [string, unknown][] = [
    ["a key where a vendor should be", apiKey],
    ["null", null],
    ["no accounts", { accounts: {} }],
    ["accounts in a list", { accounts: [account] }],
    ["a key where an account should be", { accounts: { a: apiKey } }],
    ["a name that a callback token cannot contain", { accounts: { "a.b": account } }],
    ["an account without a key", { accounts: { a: account, b: { baseUrl } } }],
    ["a negative weight", { accounts: { a: { ...account, weight: -1 } } }],
    ["a maxRunning of 0", { accounts: { a: { ...account, maxRunning: 0 } } }],
    ["a maxRunning that is not a number", { accounts: { a: { ...account, maxRunning: "3" } } }],
  ];
  test.each(bad)("a configuration with %s throws an error that does not contain the key", (_, setting) => {
    expect(() => create({ cometapi: setting })).toThrow(/provider "cometapi"/i);
    expect(() => create({ cometapi: setting })).not.toThrow(/sk-secret/);
  });
});
