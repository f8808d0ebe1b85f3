/** What the test of a vendor account sends, and what each response proves. */
import { readFileSync } from "node:fs";
import {
  ACCOUNT_TEST,
  ACCOUNT_TEST_CODES,
  ACCOUNT_TEST_RESULTS,
  type AccountTestCode,
} from "@mjflow/core/account-test";
import { describe, expect, test } from "vitest";
import type { HttpOutcome, VendorHttpRequest } from "../http-client.ts";
import { KNOWN_PROVIDER_IDS } from "../registry.ts";
import { createAccountTester } from "./account-test.ts";

const KEY = "sk-0123456789abcdef-of-a-test";
const ACCOUNT = { baseUrl: "https://vendor.test", apiKey: KEY };

type Reply = (request: VendorHttpRequest, n: number) => HttpOutcome;

/** @param reply responses of the vendor @param stepMs time that passes with each look at the clock */
function testerWith(reply: Reply, stepMs = 7) {
  const sent: VendorHttpRequest[] = [];
  let now = 1_000;
  const tester = createAccountTester({
    httpClient: async (request) => reply(request, sent.push(request) - 1),
    now: () => (now += stepMs),
  });
  return { sent, run: (id: string, account = ACCOUNT) => tester.test(id, account) };
}

const answered = (status: number, body: unknown, more: Partial<HttpOutcome> = {}): HttpOutcome =>
  ({
    kind: "answered",
    status,
    text: typeof body === "string" ? body : JSON.stringify(body),
    ...more,
  }) as HttpOutcome;

const REFUSED = answered(401, { message: "no", error: "no" });
const hasKey = ({ headers }: VendorHttpRequest) => JSON.stringify(headers).includes(KEY);
/** Answers with the key, and refuses without it. */
const withKey =
  (outcome: HttpOutcome): Reply =>
  (request) =>
    hasKey(request) ? outcome : REFUSED;

/** A response to a right key, for each provider. */
const EXPECTED: Readonly<Record<string, HttpOutcome>> = {
  ttapi: answered(200, { status: "SUCCESS", message: "success", data: { balance: 12, max_queue: 10 } }),
  acedatacloud: answered(200, { items: [], count: 0 }),
  useapi: answered(200, []),
  legnext: answered(200, { code: 200, data: { account_id: 1, balance_usd: 2 }, message: "success" }),
  agicto: answered(400, { description: "task_no_found ", type: "upstream_error", code: 4 }),
};
const expectedOf = (id: string) => EXPECTED[id] ?? answered(200, []);

const FAMILIES = ["ttapi", "acedatacloud", "useapi", "legnext"];

function bodyOf(file: string): HttpOutcome {
  const { http, body } = JSON.parse(readFileSync(new URL(`../../fixtures/${file}.json`, import.meta.url), "utf8"));
  return answered(http.status, body);
}

describe.each(KNOWN_PROVIDER_IDS)("%s", (id) => {
  test("a right key is proven by the same request without the key, and nothing is submitted", async () => {
    const { sent, run } = testerWith(withKey(expectedOf(id)));
    expect(await run(id)).toMatchObject({ code: "ok", latencyMs: 7 });
    expect(sent.map(hasKey)).toEqual([true, false]);
    const [first, second] = sent.map(({ method, url, body }) => ({ method, url, body }));
    expect(second).toEqual(first);
    expect(JSON.stringify(sent)).not.toMatch(/submit|imagine|prompt|diffusion/);
  });

  test("a vendor that answers alike without a key has not checked it", async () => {
    const { run } = testerWith(() => expectedOf(id));
    expect(await run(id)).toMatchObject({ code: "key_not_checked" });
  });

  const outcomes: [string, HttpOutcome, AccountTestCode][] = [
    ["a refused connection", { kind: "unsent", reason: "ECONNREFUSED" }, "unreachable"],
    ["an unknown host", { kind: "unsent", reason: "ENOTFOUND" }, "unreachable"],
    ["a response that does not come", { kind: "lost", reason: "timeout" }, "no_response"],
    ["a server that does not speak HTTP", { kind: "lost", reason: "HPE_INVALID_CONSTANT" }, "not_this_protocol"],
    ["a page of HTML", answered(200, "<!DOCTYPE html><p>It works!</p>"), "not_this_protocol"],
    ["a missing page", answered(404, "<html>Not found</html>"), "not_this_protocol"],
    ["a missing route", answered(404, { detail: "Not Found" }), "not_this_protocol"],
    [
      "a redirect",
      answered(301, "", { headers: { location: "https://www.vendor.test/x" } } as object),
      "not_this_protocol",
    ],
    ["an empty 401", answered(401, ""), "unauthorized"],
    ["a page of a firewall", answered(403, "<html>Just a moment...</html>"), "unknown"],
    ["429", answered(429, ""), "rate_limited"],
    ["500", answered(500, { message: "internal error" }), "unknown"],
    ["502 with a page", answered(502, "<html>bad gateway</html>"), "unknown"],
    ["an error in a 200", answered(200, { code: -7, message: "?" }), "unknown"],
  ];
  test.each(outcomes)("%s has the result that it proves", async (_, outcome, code) => {
    const { run } = testerWith(() => outcome);
    expect((await run(id)).code).toBe(code);
  });

  test("no damaged response makes the test fail, and a response that was cut proves no key", async () => {
    const expected = expectedOf(id) as { status: number; text: string };
    const strange = [
      "null",
      "[null]",
      "[[]]",
      '{"data":[]}',
      '{"error":[]}',
      '{"items":{}}',
      '{"__proto__":{}}',
      "12",
      '""',
    ];
    for (const text of [...strange, "", "\u0000", "é".repeat(10_000)]) {
      for (const status of [200, 204, 400, 404, 500]) {
        const { run } = testerWith(withKey(answered(status, text)));
        expect(ACCOUNT_TEST_CODES, text).toContain((await run(id)).code);
      }
    }
    for (let length = 1; length < expected.text.length; length++) {
      const text = expected.text.slice(0, length);
      const { run } = testerWith(withKey(answered(expected.status, text)));
      expect((await run(id)).code, text).not.toBe("ok");
    }
  });

  test("a vendor that quotes the key, a part of it or the path of the base URL reveals none of them", async () => {
    const secret = "/t/s3cret-path";
    for (const quote of [KEY, `${KEY.slice(0, 9)}***`, `Bearer ${KEY}`, secret]) {
      const body = { message: `bad ${quote} here`, error: `bad ${quote} here`, description: `bad ${quote} here` };
      const { run } = testerWith(() => answered(401, body));
      const result = JSON.stringify(await run(id, { ...ACCOUNT, baseUrl: `${ACCOUNT.baseUrl}${secret}` }));
      expect(result, quote).toContain("unauthorized");
      expect(result, quote).not.toMatch(/0123|s3cret/);
    }
  });
});

test.each([
  ["ttapi/submit-401-key", "unauthorized", "TT-API-KEY error"],
  ["ttapi/submit-402-balance", "out_of_money", "Insufficient balance"],
  ["ttapi/submit-403-blocked", "unauthorized", "Account block"],
  ["ttapi/submit-429-rate", "rate_limited", "Requests too frequent"],
  ["acedatacloud/submit-401-key", "unauthorized", "The specified token is invalid or wrong."],
  ["acedatacloud/submit-403-moderation", "unauthorized", "the moderators feel the prompt may be against the standards"],
  ["acedatacloud/submit-429-rate", "rate_limited", "You have exceeded the rate limit."],
  ["useapi/submit-401-key", "unauthorized", "Unauthorized"],
  ["useapi/submit-402-subscription", "out_of_money", "No active subscription"],
  ["useapi/submit-412-account", "unauthorized", "Channel not configured"],
  ["useapi/submit-429-full", "rate_limited", "All job slots are taken"],
  ["legnext/submit-401", "unauthorized", "Invalid API key"],
  ["legnext/submit-402", "out_of_money", "Insufficient credits"],
  ["legnext/submit-429", "rate_limited", "Too many requests"],
] as const)("the response %s is %s, with the vendor's words", async (file, code, vendorText) => {
  const { run } = testerWith(() => bodyOf(file));
  expect(await run(file.split("/")[0]!)).toMatchObject({ code, vendorText });
});

test("a relay that says that the token's quota is used up knows the key", async () => {
  const body = {
    error: { message: "[sk-GX6***u87] 该令牌额度已用尽 !token.UnlimitedQuota && token.RemainQuota = -7" },
  };
  const { run } = testerWith(() => answered(401, body));
  const result = await run("newapi");
  expect(result).toMatchObject({ code: "out_of_money", status: 401 });
  expect(result.vendorText).not.toMatch(/sk-|-7/);
});

describe("requests", () => {
  test("the next request is sent only if the vendor does not have the route of the first", async () => {
    const none = answered(404, {
      status: "FAILED",
      message: "no such route",
      error: { message: "?", raw_message: "?" },
    });
    const urls = async (id: string) => {
      const { sent, run } = testerWith((request, n) => (n === 0 ? answered(405, "") : withKey(none)(request, n)));
      const { code } = await run(id);
      return [code, ...sent.map(({ url }) => url.replace(ACCOUNT.baseUrl, ""))];
    };
    const noTask = "00000000-0000-4000-8000-000000000000";
    const fetch = `/midjourney/v1/fetch?jobId=${noTask}`;
    expect(await urls("ttapi")).toEqual(["ok", "/midjourney/v1/info", fetch, fetch]);
    const job = `/api/v1/job/${noTask}`;
    expect(await urls("legnext")).toEqual(["ok", "/api/account/balance", job, job]);
  });

  test("a server of midjourney-proxy without a list is tested by one look-up", async () => {
    const { sent, run } = testerWith((request, n) =>
      n === 0 ? answered(404, "") : withKey(answered(204, ""))(request, n),
    );
    expect(await run("trueai")).toMatchObject({ code: "ok", status: 204 });
    expect(sent.map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
  });

  test.each([
    ["https://api.legnext.ai", "https://api.legnext.ai/api/account/balance"],
    ["https://api.legnext.ai/api", "https://api.legnext.ai/api/account/balance"],
    ["https://api.legnext.ai/api/v1/", "https://api.legnext.ai/api/account/balance"],
  ])("the balance at the base URL %s is at %s", async (baseUrl, url) => {
    const { sent, run } = testerWith(withKey(EXPECTED["legnext"]!));
    await run("legnext", { ...ACCOUNT, baseUrl });
    expect(sent[0]!.url).toBe(url);
  });

  test("all requests together have a time limit", async () => {
    const { sent, run } = testerWith(() => answered(404, { status: "FAILED", message: "?" }), 3_000);
    await run("ttapi");
    expect(sent.map(({ timeoutMs }) => timeoutMs)).toEqual([ACCOUNT_TEST.requestMs, 1, 1]);
  });

  test("a provider that mjflow does not know is refused", async () => {
    const { run } = testerWith(() => REFUSED);
    for (const id of ["nobody", "constructor"]) await expect(run(id)).rejects.toThrow("Unknown provider");
  });
});

describe("results", () => {
  test("the target of a redirect is shown without its path, and is not requested", async () => {
    const location = "https://www.vendor.test/secret-path?token=1";
    const { sent, run } = testerWith(() => answered(301, "", { headers: { location } } as object));
    expect(await run("useapi")).toMatchObject({ redirectsTo: "https://www.vendor.test" });
    expect(sent).toHaveLength(1);
  });

  test("the vendor's words are bounded, and no control character is in them", async () => {
    const message = `first\nsecond\u001b[31m\u202e ${"x".repeat(5_000)}`;
    const { run } = testerWith(() => answered(500, { message }));
    const { vendorText } = await run("useapi");
    expect(vendorText).toMatch(/^first second ?\[31m x+$/);
    expect(vendorText).toHaveLength(ACCOUNT_TEST.textLength);
  });

  test("a page is no message of the vendor", async () => {
    for (const id of FAMILIES) {
      const { run } = testerWith(() => answered(502, "<html>bad gateway</html>"));
      expect(await run(id)).not.toHaveProperty("vendorText");
    }
  });

  test("only an accepted key with money may get flows, and only what a test cannot tell is null", () => {
    const of = (ok: boolean | null) => ACCOUNT_TEST_CODES.filter((code) => ACCOUNT_TEST_RESULTS[code].ok === ok);
    expect(of(true)).toEqual(["ok"]);
    expect(of(false)).toEqual(["unreachable", "not_this_protocol", "unauthorized", "out_of_money"]);
    expect(of(null)).toEqual(["no_response", "rate_limited", "key_not_checked", "unknown"]);
  });
});
