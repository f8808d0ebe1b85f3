import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findConnection } from "./connection.ts";
import { UsageError } from "./usage-error.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "mjflow-cli-"));
  for (const folder of [".mjflow", "clone/.mjflow", "clone/deep/er", "other"])
    mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(home, ".mjflow/api.key"), "mjk_of_home\n");
  writeFileSync(join(home, "clone/.mjflow/api.key"), "mjk_of_clone\n");
  writeFileSync(join(home, "other/api.key"), "mjk_of_other\n");
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const find = (env: Record<string, string> = {}, folder = "clone/deep/er", url?: string) =>
  findConnection({ env, cwd: join(home, folder) }, url);

describe("findConnection: key", () => {
  test("the key in MJFLOW_API_KEY has priority over a key file", () => {
    expect(find({ MJFLOW_API_KEY: " mjk_env " })).toMatchObject({ apiKey: "mjk_env", keyFrom: "MJFLOW_API_KEY" });
  });

  test("without MJFLOW_API_KEY the key is read from the nearest .mjflow folder upwards", () => {
    expect(find()).toMatchObject({ apiKey: "mjk_of_clone", keyFrom: join(home, "clone/.mjflow/api.key") });
    expect(find({}, "other")).toMatchObject({ apiKey: "mjk_of_home" });
  });

  test("if MJFLOW_DATA_DIR is set, the key is read only from that folder", () => {
    expect(find({ MJFLOW_DATA_DIR: join(home, "other") })).toMatchObject({ apiKey: "mjk_of_other" });
    expect(find({ MJFLOW_DATA_DIR: "../../../other" })).toMatchObject({ apiKey: "mjk_of_other" });
    expect(find({ MJFLOW_DATA_DIR: join(home, "nowhere") })).not.toHaveProperty("apiKey");
  });

  test("the key of the local server is used only for a loopback address", () => {
    for (const url of ["https://mjflow.example", "http://127.0.0.1.mjflow.example", "http://192.168.1.2:4600"]) {
      expect(find({ MJFLOW_URL: url })).not.toHaveProperty("apiKey");
      expect(find({}, "clone", url)).not.toHaveProperty("apiKey");
    }
    for (const url of ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"]) {
      expect(find({ MJFLOW_URL: url })).toMatchObject({ apiKey: "mjk_of_clone" });
    }
  });
});

describe("findConnection: address", () => {
  test("the address comes from --url, then MJFLOW_URL, then the local server's port", () => {
    const env = { MJFLOW_URL: "https://a.example/base/", MJFLOW_PORT: "4711" };
    expect(find(env, "clone", "https://b.example")).toMatchObject({ url: "https://b.example", urlFrom: "--url" });
    expect(find(env)).toMatchObject({ url: "https://a.example/base", urlFrom: "MJFLOW_URL" });
    expect(find({ MJFLOW_PORT: "4711" })).toMatchObject({ url: "http://127.0.0.1:4711", urlFrom: "MJFLOW_PORT" });
    for (const port of ["0", "", "x"]) {
      expect(find({ MJFLOW_PORT: port })).toMatchObject({ url: "http://127.0.0.1:4600", urlFrom: "default" });
    }
  });

  test.each([
    "ftp://a.example",
    "a.example",
    "https://",
    "https://me:mjk_secret@a.example",
    "https://a.example/?key=mjk_secret",
  ])("an invalid address is rejected without being repeated: %s", (url) => {
    const search = () => find({}, "clone", url);
    expect(search).toThrow(UsageError);
    expect(search).not.toThrow(/mjk_secret|a\.example/);
  });
});
