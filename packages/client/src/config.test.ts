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

describe("nothing said", () => {
  test("it is the house on this machine, without a key", () => {
    expect(configOf({})).toMatchObject({ baseUrl: "http://127.0.0.1:4600", apiKey: undefined });
  });

  test("it is what the environment says; an empty variable says nothing", () => {
    vi.stubEnv("MJFLOW_URL", "https://mj.example/prod/");
    vi.stubEnv("MJFLOW_API_KEY", " mjk_env ");
    expect(configOf({})).toMatchObject({ baseUrl: "https://mj.example/prod", apiKey: "mjk_env" });
    vi.stubEnv("MJFLOW_URL", "");
    expect(configOf({}).baseUrl).toBe("http://127.0.0.1:4600");
  });

  test("where there is no process, as in a browser, it does without", () => {
    vi.stubGlobal("process", undefined);
    expect(configOf({}).baseUrl).toBe("http://127.0.0.1:4600");
  });
});

test("what is said counts more than the environment", () => {
  vi.stubEnv("MJFLOW_URL", "https://other.example");
  expect(configOf({ baseUrl: "https://mj.example", apiKey: "mjk_a" })).toMatchObject({
    baseUrl: "https://mj.example",
    apiKey: "mjk_a",
  });
});

test("on a page an address may be a path", () => {
  vi.stubGlobal("location", { href: "https://app.example/draw?x=1" });
  expect(configOf({ baseUrl: "/api/mj" }).baseUrl).toBe("https://app.example/api/mj");
});

describe("a mistake is told at once, and without its secret", () => {
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
  ])("%j", (options) => {
    let mistake: Error | undefined;
    try {
      configOf(options);
    } catch (error) {
      mistake = error as Error;
    }
    expect(mistake).toMatchObject({ code: "invalid_argument", field: Object.keys(options)[0] });
    expect(`${mistake?.stack}${JSON.stringify(mistake)}`).not.toContain("hunter2");
  });
});
