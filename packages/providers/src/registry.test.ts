import { describe, expect, test } from "vitest";
import { createHttpClient } from "./http-client.ts";
import { createProviders, type ProvidersConfig } from "./registry.ts";

const baseUrl = "https://x.test";
const apiKey = "sk-secret";
const one = { baseUrl, apiKey };
const made = (config: unknown) => createProviders(config as ProvidersConfig, { httpClient: createHttpClient() });

describe("the vendors of a configuration", () => {
  test("with one account each are as they always were: it is named default", () => {
    const vendor = made({ cometapi: one }).get("cometapi")!;
    expect(vendor.accounts()).toEqual([{ name: "default", weight: 1 }]);
    expect(vendor.account("default")).toEqual(one);
    expect(vendor.account("other")).toBeUndefined();
  });

  test("with several have them by name, each with its share and its cap; the key is with none of that", () => {
    const accounts = { a: { ...one, weight: 3 }, "b-2": { ...one, apiKey: "sk-other", maxRunning: 12 } };
    const vendor = made({ trueai: { accounts } }).get("trueai")!;
    expect(vendor.accounts()).toEqual([
      { name: "a", weight: 3 },
      { name: "b-2", weight: 1, maxRunning: 12 },
    ]);
    expect(vendor.account("b-2")).toEqual({ baseUrl, apiKey: "sk-other" });
    expect(vendor.account("default")).toBeUndefined();
  });

  test("know every dialect, for accounts that come from elsewhere, and one provider for each", () => {
    const registry = made({ cometapi: one });
    expect(registry.ids()).toEqual(["cometapi"]);
    expect(registry.dialect("cometapi")).toBe(registry.get("cometapi")!.provider);
    expect(registry.dialect("agicto")).toMatchObject({ id: "agicto" });
    expect(registry.get("agicto")).toBeUndefined();
    expect(registry.dialect("nobody")).toBeUndefined();
  });

  const bad: [string, unknown][] = [
    ["a key where a vendor should be", apiKey],
    ["nothing", null],
    ["no accounts", { accounts: {} }],
    ["accounts in a list", { accounts: [one] }],
    ["a key where an account should be", { accounts: { a: apiKey } }],
    ["a name that no token can carry", { accounts: { "a.b": one } }],
    ["an account without a key", { accounts: { a: one, b: { baseUrl } } }],
    ["a weight below nothing", { accounts: { a: { ...one, weight: -1 } } }],
    ["a cap of nothing", { accounts: { a: { ...one, maxRunning: 0 } } }],
    ["a cap that is no number", { accounts: { a: { ...one, maxRunning: "3" } } }],
  ];
  test.each(bad)("with %s are refused at start, without the key", (_, setting) => {
    expect(() => made({ cometapi: setting })).toThrow(/provider "cometapi"/i);
    expect(() => made({ cometapi: setting })).not.toThrow(/sk-secret/);
  });
});
