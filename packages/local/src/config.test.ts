import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "./config.ts";
import { loadOrCreateSecret, lockFolder } from "./data-folder.ts";

describe("readConfig", () => {
  const ids = ["cometapi", "midjourney-proxy"];

  test("every setting has a default", () => {
    expect(readConfig({}, ids)).toMatchObject({ port: 4600, dataDir: ".mjflow", providers: {}, timings: "local" });
  });

  test("a real vendor needs an address and a key, and turns the short timings off", () => {
    const env = { MJFLOW_MIDJOURNEY_PROXY_BASE_URL: "http://127.0.0.1:8080", MJFLOW_MIDJOURNEY_PROXY_KEY: "k" };
    // A grace period of seconds would submit to a real vendor twice and be charged twice.
    expect(readConfig(env, ids).timings).toBe("{}");
    expect(readConfig(env, ids).providers).toEqual({
      "midjourney-proxy": { baseUrl: "http://127.0.0.1:8080", apiKey: "k" },
    });
  });

  test.each([
    [{ MJFLOW_COMETAPI_KEY: "sk-secret" }, "MJFLOW_COMETAPI_BASE_URL"],
    [{ MJFLOW_COMETAPI_BASE_URL: "https://x.test" }, "MJFLOW_COMETAPI_KEY"],
    [{ MJFLOW_PORT: "70000" }, "MJFLOW_PORT"],
    [{ MJFLOW_PORT: "http" }, "MJFLOW_PORT"],
    [{ MJFLOW_TIMINGS: "{" }, "MJFLOW_TIMINGS"],
    [{ MJFLOW_TIMINGS: "[1]" }, "MJFLOW_TIMINGS"],
    [{ MJFLOW_TIMINGS: '{"quitMs":1}' }, "quitMs"],
    [{ MJFLOW_SIMULATOR_SPEED: "fast" }, "MJFLOW_SIMULATOR_SPEED"],
    [{ MJFLOW_SWEEP_MS: "0" }, "MJFLOW_SWEEP_MS"],
    [{ MJFLOW_FAN_OUT: "all" }, "MJFLOW_FAN_OUT"],
    [{ MJFLOW_RESUBMIT: "nver" }, "MJFLOW_RESUBMIT must be one of after-grace, never"],
    [{ MJFLOW_ARCHIVE: "yes" }, "MJFLOW_ARCHIVE must be one of on, off, later"],
    [{ MJFLOW_WEBHOOK_FIRST_TIMEOUT_S: "16" }, "MJFLOW_WEBHOOK_FIRST_TIMEOUT_S"],
    [{ MJFLOW_PUBLIC_URL: "example.test" }, "MJFLOW_PUBLIC_URL"],
    [{ MJFLOW_TUNNEL: "bore local 1" }, "MJFLOW_TUNNEL"],
    [{ MJFLOW_TUNNEL: "on", MJFLOW_PUBLIC_URL: "https://example.test" }, "MJFLOW_PUBLIC_URL"],
    [{ MJFLOW_TUNNEL: "on", MJFLOW_CALLBACK_URL: "https://example.test" }, "MJFLOW_CALLBACK_URL"],
    [{ MJFLOW_CORS_ORIGINS: "https://example.test/" }, "MJFLOW_CORS_ORIGINS"],
    [{ MJFLOW_DUE_SHARDS: "many" }, "MJFLOW_DUE_SHARDS must be a whole number from 0 to 32"],
    [{ MJFLOW_STREAMS_PER_APP: "ten" }, "MJFLOW_STREAMS_PER_APP must be a whole number from 0 to 1000"],
    [{ MJFLOW_MJ_PUBLIC_IMAGES: "default" }, "MJFLOW_MJ_PUBLIC_IMAGES must be ids of apps"],
    [{ MJFLOW_CDN_URL: "cdn.example.test" }, "MJFLOW_CDN_URL must be a URL"],
  ])("%j is rejected with an error that names %s and contains no secret", (env, name) => {
    expect(() => readConfig(env, ids)).toThrow(ConfigError);
    expect(() => readConfig(env, ids)).toThrow(name);
    expect(() => readConfig(env, ids)).not.toThrow(/sk-secret/);
  });
});

describe("data folder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mjflow-folder-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("a secret is created at its first use, stays the same, and is readable only by its owner", () => {
    const secret = loadOrCreateSecret(folder, "hook.key");
    expect(secret.length).toBeGreaterThanOrEqual(32);
    expect(loadOrCreateSecret(folder, "hook.key")).toBe(secret);
    expect(statSync(join(folder, "hook.key")).mode & 0o077).toBe(0);
  });

  test("a lock of a running process is respected, and a lock of a dead process is replaced", () => {
    const lock = join(folder, "house.lock");
    const release = lockFolder(folder);
    expect(readFileSync(lock, "utf8")).toMatch(new RegExp(`^${process.pid}\\b`));
    expect(() => lockFolder(folder)).toThrow(ConfigError);
    release();
    for (const dead of ["999999999", "999999999 12345", "", "not a number"]) {
      writeFileSync(lock, dead);
      lockFolder(folder)();
    }
  });

  test.skipIf(process.platform !== "linux")(
    "a lock is replaced if another process has the process id of the dead one",
    () => {
      writeFileSync(join(folder, "house.lock"), `${process.ppid} 1`);
      lockFolder(folder)();
    },
  );

  test("an empty secret file is replaced by a new secret", () => {
    writeFileSync(join(folder, "hook.key"), "");
    expect(loadOrCreateSecret(folder, "hook.key").length).toBeGreaterThanOrEqual(32);
  });
});
