import { describe, expect, test } from "vitest";
import { isAllowed, parseAllowed } from "./allow-list.ts";

const reaches = (entry: string, url: string) => isAllowed(new URL(url), [parseAllowed(entry)], [443, 8443]);

describe("allowed URLs", () => {
  test.each([
    ["hooks.internal.example", "https://hooks.internal.example/a?b"],
    ["hooks.internal.example", "https://hooks.internal.example:8443/"],
    ["Hooks.Internal.Example", "https://HOOKS.internal.example/"],
    ["hooks.internal.example.", "https://hooks.internal.example/"],
    ["bücher.example", "https://xn--bcher-kva.example/"],
    ["127.0.0.1:*", "http://127.0.0.1:4601/"],
    ["127.0.0.1:*", "https://127.0.0.1/"],
    ["127.0.0.1:*", "http://2130706433:1/"],
    ["127.1:*", "http://127.0.0.1:9/"],
    ["[::1]:4601", "http://[::1]:4601/"],
    ["[0:0:0:0:0:0:0:1]:4601", "https://[::1]:4601/"],
    ["10.0.0.7:80", "http://10.0.0.7/"],
    ["http://127.0.0.1:4601", "http://127.0.0.1:4601/x"],
    ["http://127.0.0.1", "http://127.0.0.1/x"],
    ["https://10.0.0.7", "https://10.0.0.7/"],
    ["HTTPS://10.0.0.7:9443", "https://10.0.0.7:9443/"],
  ])("the entry %s allows %s", (entry, url) => {
    expect(reaches(entry, url)).toBe(true);
  });
});

describe("other URLs", () => {
  test.each([
    ["hooks.internal.example", "http://hooks.internal.example/"],
    ["hooks.internal.example", "http://hooks.internal.example:443/"],
    ["hooks.internal.example", "https://hooks.internal.example:444/"],
    ["hooks.internal.example", "https://a.hooks.internal.example/"],
    ["hooks.internal.example", "https://hooks.internal.example.evil.example/"],
    ["127.0.0.1:*", "http://127.0.0.2:4601/"],
    ["127.0.0.1:*", "http://localhost:4601/"],
    ["127.0.0.1:*", "http://[::ffff:127.0.0.1]:4601/"],
    ["localhost:*", "http://127.0.0.1:4601/"],
    ["10.0.0.7:80", "http://10.0.0.7:8080/"],
    ["http://127.0.0.1:4601", "https://127.0.0.1:4601/"],
    ["http://127.0.0.1:4601", "http://127.0.0.1:4602/"],
    ["http://127.0.0.1", "http://127.0.0.1:4601/"],
    ["https://10.0.0.7", "https://10.0.0.7:8443/"],
  ])("the entry %s does not allow %s", (entry, url) => {
    expect(reaches(entry, url)).toBe(false);
  });
});

test.each([
  "",
  " ",
  "*",
  "*:*",
  "http://",
  "ftp://10.0.0.7",
  "10.0.0.7/8",
  "10.0.0.0/8:*",
  "http://10.0.0.7/",
  "http://10.0.0.7/path",
  "user@10.0.0.7",
  "10.0.0.7:",
  "10.0.0.7:0",
  "10.0.0.7:65536",
  "10.0.0.7:80:80",
  "10.0.0.7:-1",
  "::1",
  "[::1",
  "[::g]",
  "a b",
  "a,b",
  "256.256.256.256",
])("parsing throws TypeError for the entry %j", (entry) => {
  expect(() => parseAllowed(entry)).toThrow(TypeError);
});
