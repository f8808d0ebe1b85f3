import { describe, expect, test } from "vitest";
import { cutOffVendors, cutOffWarning, isPrivateUrl } from "./callback-reach.ts";

test.each([
  ["http://127.0.0.1:4600", true],
  ["http://localhost:4600", true],
  ["http://[::1]:4600", true],
  ["http://10.1.2.3", true],
  ["http://172.31.0.1", true],
  ["http://192.168.1.5:8080", true],
  ["http://[fd00::1]", true],
  ["http://mjflow:4600", true],
  ["http://laptop.local", true],
  ["http://172.32.0.1", false],
  ["http://[2001:db8::1]", false],
  ["https://mj.example.com", false],
])("%s is an address of the own network: %s", (url, expected) => {
  expect(isPrivateUrl(url)).toBe(expected);
});

describe("cutOffVendors", () => {
  const cometapi = { baseUrl: "https://api.cometapi.com" };
  const own = { baseUrl: "http://192.168.1.9:8080" };

  test("a vendor on the internet cannot reach a private callback URL, a vendor of the own network can", () => {
    expect(cutOffVendors("http://127.0.0.1:4600", { cometapi, "midjourney-proxy": own })).toEqual(["cometapi"]);
  });

  test("all vendors can reach a public callback URL", () => {
    expect(cutOffVendors("https://mj.example.com", { cometapi })).toEqual([]);
  });

  test("the warning names the vendor, the cost, the delay and what to do", () => {
    expect(cutOffWarning("http://127.0.0.1:4600", ["cometapi"])).toMatch(
      /^cometapi cannot .* one request or more to the vendor.* \d+ s later\. Start with `mjflow dev --tunnel`, or set MJFLOW_PUBLIC_URL/,
    );
  });
});
