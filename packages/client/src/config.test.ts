import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configOf } from "./config.ts";

beforeEach(() => {
  vi.stubEnv("MJFLOW_URL", undefined);
  vi.stubEnv("MJFLOW_API_KEY", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

describe("configOf without options", () => {
  test("the default is the local server without a key", () => {
    expect(configOf({})).toMatchObject({ baseUrl: "http://127.0.0.1:4600", apiKey: undefined });
  });

  test("address and key come from the environment, and an empty variable counts as unset", () => {
    vi.stubEnv("MJFLOW_URL", "https://mj.example/prod/");
    vi.stubEnv("MJFLOW_API_KEY", " mjk_env ");
    expect(configOf({})).toMatchObject({ baseUrl: "https://mj.example/prod", apiKey: "mjk_env" });
    vi.stubEnv("MJFLOW_URL", "");
    expect(configOf({}).baseUrl).toBe("http://127.0.0.1:4600");
  });

  test("without a global process, as in a browser, the default address is used", () => {
    vi.stubGlobal("process", undefined);
    expect(configOf({}).baseUrl).toBe("http://127.0.0.1:4600");
  });
});

test("options have priority over the environment", () => {
  vi.stubEnv("MJFLOW_URL", "https://other.example");
  expect(configOf({ baseUrl: "https://mj.example", apiKey: "mjk_a" })).toMatchObject({
    baseUrl: "https://mj.example",
    apiKey: "mjk_a",
  });
});

test("in a browser baseUrl may be a path relative to the page", () => {
  vi.stubGlobal("location", { href: "https://app.example/draw?x=1" });
  expect(configOf({ baseUrl: "/api/mj" }).baseUrl).toBe("https://app.example/api/mj");
});

describe("configOf with invalid options", () => {
  test.each([
    [{ baseUrl: "mj.example" }],
    [{ baseUrl: "ftp://mj.example" }],
    [{ baseUrl: "https://user:hunter2@mj.example" }],
    [{ baseUrl: "https://mj.example/?key=hunter2" }],
    [{ baseUrl: "https://mj.example/#hunter2" }],
    [{ apiKey: "hunter2\r\nx: y" }],
    [{ apiKey: "hunter2 " }],
    [{ apiKey: "" }],
    [{ maxRetries: -1 }],
    [{ maxRetries: Number.NaN }],
    [{ requestTimeoutMs: -5 }],
  ])("%j is rejected with the option's name and without a secret", (options) => {
    let thrown: Error | undefined;
    try {
      configOf(options);
    } catch (error) {
      thrown = error as Error;
    }
    expect(thrown).toMatchObject({ code: "invalid_argument", field: Object.keys(options)[0] });
    expect(`${thrown?.stack}${JSON.stringify(thrown)}`).not.toContain("hunter2");
  });
});
