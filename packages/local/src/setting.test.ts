import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "./config.ts";
import { settingNames } from "./setting.ts";

const IDS = ["cometapi", "midjourney-proxy"];

describe("unknown settings", () => {
  test.each([
    ["MJFLOW_COMET_KEY", "Do you mean MJFLOW_COMETAPI_KEY?"],
    ["MJFLOW_PUBLIC_ULR", "Do you mean MJFLOW_PUBLIC_URL?"],
    ["MJFLOW_MIDJOURNEYPROXY_BASE_URL", "Do you mean MJFLOW_MIDJOURNEY_PROXY_BASE_URL?"],
    ["MJFLOW_COMETAPI_URL", "Do you mean MJFLOW_COMETAPI_BASE_URL or MJFLOW_COMETAPI_KEY?"],
    ["MJFLOW_SOMETHING_QUITE_DIFFERENT", "Remove it."],
  ])("%s is refused with the nearest name and without its value", (name, advice) => {
    const read = () => readConfig({ [name]: "sk-secret" }, IDS);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(`There is no setting ${name}. ${advice}`);
    expect(read).not.toThrow(/sk-secret/);
  });

  test("settings of a deployment, of the command line and of the tests are accepted", () => {
    const env = { MJFLOW_ALARM_EMAIL: "a@example.com", MJFLOW_URL: "http://127.0.0.1:1", MJFLOW_CHAOS_SEED: "1" };
    expect(readConfig({ ...env, HOME: "/", MJFLOW_LOG: undefined }, IDS)).toMatchObject({ port: 4600 });
  });

  test("every setting that a source names is known", () => {
    const files = execFileSync("git", ["ls-files", "functions", "infra", "packages"], { encoding: "utf8" })
      .split("\n")
      .filter((file) => /\.m?tsx?$/.test(file) && !/\.test\.ts$|\.infra\.ts$|\/check\//.test(file));
    const named = files.flatMap((file) => readFileSync(file, "utf8").match(/\bMJFLOW_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []);
    const unknown = new Set(named).difference(new Set(settingNames(IDS)));
    expect(named.length).toBeGreaterThan(100);
    expect([...unknown]).toEqual([]);
  });
});
