import { describe, expect, test } from "vitest";
import { parseCorsOrigins } from "./cors.ts";

describe("parseCorsOrigins", () => {
  test.each([
    ["", []],
    [" , ", []],
    ["*", ["*"]],
    ["https://app.example.com", ["https://app.example.com"]],
    [
      "https://app.example.com, http://localhost:3000,https://app.example.com",
      ["https://app.example.com", "http://localhost:3000"],
    ],
    ["capacitor://localhost,chrome-extension://abc", ["capacitor://localhost", "chrome-extension://abc"]],
    ["http://[::1]:8080", ["http://[::1]:8080"]],
    ["web3+app://localhost", ["web3+app://localhost"]],
  ])("%j is read as %j", (text, origins) => {
    expect(parseCorsOrigins(text)).toEqual(origins);
  });

  test.each([
    ["https://app.example.com/", "must be written as https://app.example.com"],
    ["https://app.example.com/path", "must be written as https://app.example.com"],
    ["https://App.example.com", "must be written as https://app.example.com"],
    ["https://app.example.com:443", "must be written as https://app.example.com"],
    ["https://user:pass@app.example.com", "must be written as https://app.example.com"],
    ["app.example.com", '"app.example.com" is no origin'],
    ["null", '"null" is no origin'],
    ["https://app.example.com:99999", "is no origin. Write a scheme and a host, for example"],
    ["javascript:a://b", "is no origin. Write a scheme and a host, without a path"],
    ["https://*.example.com", "is no origin"],
    ["capacitor://localhost/path", "is no origin"],
    ["https://a.test,shop", '"shop" is no origin'],
  ])("%j is rejected with a message that says how to write it", (text, message) => {
    expect(() => parseCorsOrigins(text)).toThrow(message);
  });
});
