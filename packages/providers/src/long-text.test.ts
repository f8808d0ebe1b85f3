/**
 * Long texts in a vendor's body take time that grows with their length, and not faster. A process that reads such a text does
 * nothing else, so the time of a square would stop all flows: a run of this test would take hours.
 */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { vendorTextOf } from "./account-test/vendor-text.ts";
import { readCallback } from "./callback.ts";
import { READERS } from "./families/readers.ts";
import type { HttpOutcome } from "./http-client.ts";
import { cleanVendorText, redactRawReport } from "./redact.ts";
import { parseSubmitResponse } from "./submit-response.ts";
import { DIALECTS } from "./vendors/index.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const LENGTH = 10_000;
const account = { baseUrl: "https://vendor.example", apiKey: "vendor-key-of-a-test" };

/** Texts that make a pattern try again at each of their characters: they begin like a match, and end without one. */
const TEXTS: readonly string[] = [
  ...' |1|-|.|/|a|é|{|[|(|"|\\|<|,|: |1 |a@|sk-|***|quota is |余额 |(request id: |request id |1.1|[sk-*|data:a|;base64'.split(
    "|",
  ),
  "\n",
  "http://",
  "https://a/callbacks",
  "/mj/",
].map((text) => text.repeat(Math.ceil(LENGTH / text.length)));
const FRAMED = TEXTS.flatMap((text) => [text, `1${text}x`, `https://a.example/${text} quota`, `data:image/png${text}`]);

/** Fields that decide which others are read. */
const KEPT = new Set(["status", "action", "code", "verb", "success", "event", "type"]);

function filled(value: unknown, text: string, key = ""): unknown {
  if (typeof value === "string") return KEPT.has(key) ? value : text;
  if (Array.isArray(value)) return value.map((item) => filled(item, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, text, name)]));
}

const bodies = (pattern: string): unknown[] =>
  globSync(pattern, { cwd: FIXTURES }).map((file) => {
    const stored = JSON.parse(readFileSync(new URL(file, FIXTURES), "utf8")) as { http?: unknown; body?: unknown };
    return stored.http ? stored.body : stored;
  });

const outcomeOf = (body: unknown): HttpOutcome =>
  ({ kind: "answered", status: 200, text: JSON.stringify(body) }) as HttpOutcome;

test("a callback of midjourney-proxy is read", () => {
  const found = bodies("callback-*{success,failure}*.json");
  expect(found.length).toBeGreaterThan(5);
  for (const text of FRAMED)
    for (const body of found) readCallback("trueai", JSON.stringify(filled(body, text)), { baseUrl: account.baseUrl });
});

test("a response to a submission is read", () => {
  const dialect = DIALECTS.get("newapi")!;
  const found = bodies("submit-{03,04,24}*.json");
  expect(found.length).toBeGreaterThan(3);
  for (const text of FRAMED) {
    for (const body of found) parseSubmitResponse(outcomeOf(filled(body, text)), dialect, { prompt: text, ...account });
  }
});

test.each(Object.keys(READERS))("a callback of %s is read", async (id) => {
  const read = (await READERS[id]!()).readCallback;
  const found = bodies(`${id}/callback-*.json`);
  expect(found.length).toBeGreaterThan(1);
  for (const text of FRAMED) for (const body of found) read(JSON.stringify(filled(body, text)), account.baseUrl);
});

test("a text and a body are redacted", () => {
  for (const text of FRAMED) {
    cleanVendorText(text, account.apiKey);
    redactRawReport({ description: text, prompt: text });
    vendorTextOf(text, account);
  }
});
