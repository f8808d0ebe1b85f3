/**
 * The API reference as a page and as text is complete. The page needs no script and loads nothing from other servers.
 */
import { createHash } from "node:crypto";
import { stripTypeScriptTypes } from "node:module";
import { ERRORS, FAILURES } from "@mjflow/core/error";
import { newSecret, sign } from "@mjflow/webhooks/sign";
import { describe, expect, test } from "vitest";
import document from "../../docs/openapi.json" with { type: "json" };
import { readApiDocument } from "../../functions/http/openapi/document-model.ts";
import { pageOf } from "../../functions/http/openapi/page.ts";
import { textOf } from "../../functions/http/openapi/text.ts";
import { createApiClient } from "../app/api-client.ts";
import { DESCRIBED } from "./routes.ts";

const { app } = createApiClient();
const page = await app.request("/docs/api");
const html = await page.text();
const text = await (await app.request("/llms.txt")).text();

const all = (pattern: RegExp, of = html) => [...of.matchAll(pattern)].map(([, match]) => match!);

describe("the page", () => {
  test("the page contains only its own style, and its policy allows nothing else", () => {
    const [style] = all(/<style>([\s\S]*?)<\/style>/g);
    const hash = createHash("sha256").update(style!).digest("base64");
    const policy = page.headers.get("content-security-policy");
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(html).not.toMatch(/<script|<iframe|<link|<img|\sstyle=|\son\w+=|\ssrc=|url\(|@import/i);
  });

  test("every link on the page has a target, and no two elements have the same id", () => {
    const ids = all(/\sid="([^"]+)"/g);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    const withoutTarget = all(/\shref="([^"]+)"/g).filter(
      (href) => !href.startsWith("#") || !ids.includes(href.slice(1)),
    );
    expect([...new Set(withoutTarget)].sort()).toEqual(["/llms.txt", "/openapi.json"]);
  });

  test("the page shows every route with a curl command, every event and every error code", () => {
    const ids = new Set(all(/<article id="([^"]+)"/g));
    expect(DESCRIBED.map(({ id }) => id).filter((id) => !ids.has(id))).toEqual([]);
    expect(Object.keys(document.webhooks).filter((type) => !html.includes(`>${type}</code>`))).toEqual([]);
    expect(Object.keys(ERRORS).filter((code) => !ids.has(code) && !html.includes(`id="error-${code}"`))).toEqual([]);
    expect(all(/<code>(curl)/g)).toHaveLength(DESCRIBED.length);
  });

  test("the page has a heading hierarchy, a skip link, landmarks, focus marks and a dark scheme", () => {
    const levels = all(/<h([1-6])/g).map(Number);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels.every((level, i) => i === 0 || level - levels[i - 1]! <= 1 || level === 4)).toBe(true);
    expect(html).toMatch(
      /<html lang="en">[\s\S]*<a class="skip" href="#main">[\s\S]*<nav aria-label=[\s\S]*<main id="main">/,
    );
    expect(html).toContain("prefers-color-scheme: dark");
    expect(html).toContain(":focus-visible");
  });

  test("the page escapes text that looks like a tag", () => {
    const hostile = structuredClone(document) as unknown as Record<string, Record<string, unknown>>;
    hostile["info"]!["description"] = '<script>alert("1")</script> `<b>` **<i>**';
    const shown = pageOf(readApiDocument(hostile), "a { }");
    expect(shown).not.toMatch(/<script|<b>`|<i>/);
    expect(() => pageOf(readApiDocument(hostile), "</style><script>")).toThrow();
  });
});

describe("the text", () => {
  test("the text has the form of llms.txt and contains every route, event, code and schema", () => {
    expect(text).toMatch(/^# mjflow\n\n> \S/);
    const missing = [
      ...DESCRIBED.map(({ method, path }) => `### ${method} ${path}`),
      ...Object.keys(document.webhooks).map((type) => `### ${type}`),
      ...Object.keys(document.components.schemas).map((name) => `### ${name}`),
      ...Object.entries(ERRORS).map(([code, { status }]) => `- ${code} (${status},`),
      ...Object.keys(FAILURES).map((code) => `- ${code}: `),
    ].filter((line) => !text.includes(line));
    expect(missing).toEqual([]);
    expect(text).toBe(textOf(readApiDocument(document as never)));
  });

  test("the sample code in the text accepts a valid webhook signature and rejects every other", async () => {
    const [sample] = all(/```ts\n([\s\S]*?)```/g, text);
    const source = stripTypeScriptTypes(sample!);
    const { isSigned } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
      isSigned(headers: Headers, body: string, secret: string): boolean;
    };
    const [secret, other] = [1, 2].map((n) => newSecret(new Uint8Array(32).fill(n))) as [string, string];
    const body = '{"type":"flow.completed"}';
    const signed = (timestampS: number, secrets: string[]) =>
      new Headers({
        "webhook-id": "evt_1",
        "webhook-timestamp": String(timestampS),
        "webhook-signature": sign({ id: "evt_1", timestampS, body }, secrets),
      });
    const now = Math.floor(Date.now() / 1_000);
    expect(isSigned(signed(now, [secret]), body, secret)).toBe(true);
    expect(isSigned(signed(now, [other, secret]), body, secret)).toBe(true);
    expect(isSigned(signed(now, [other]), body, secret)).toBe(false);
    expect(isSigned(signed(now, [secret]), `${body} `, secret)).toBe(false);
    expect(isSigned(signed(now - 400, [secret]), body, secret)).toBe(false);
    expect(isSigned(new Headers(), body, secret)).toBe(false);
  });
});
