/**
 * Tests the address and the key of a vendor account with free requests.
 *
 * An expected response proves the key only if the vendor refuses the same request without the key. Some servers of operators check no
 * key, and a web server that is no vendor may answer everything alike.
 */
import { ACCOUNT_TEST, type AccountTest, type AccountTestCode } from "@mjflow/core/account-test";
import type { AccountConfig, AccountTester, SubmitOutcome } from "@mjflow/core/port";
import type { HttpClient, HttpOutcome } from "../http-client.ts";
import { isFields, parseJson } from "../json.ts";
import { DIALECTS } from "../vendors/index.ts";
import { mjproxyRules } from "./mjproxy.ts";
import type { AccountTestRules, Answered, FreeRequest } from "./rules.ts";
import { vendorTextOf } from "./vendor-text.ts";

/** The rules of the other families, by provider id. Each is loaded with the first test of its family. */
const FAMILY_RULES: Readonly<Record<string, () => Promise<{ rules: AccountTestRules }>>> = {
  ttapi: () => import("../families/ttapi/account-test.ts"),
  acedatacloud: () => import("../families/acedatacloud/account-test.ts"),
  useapi: () => import("../families/useapi/account-test.ts"),
  legnext: () => import("../families/legnext/account-test.ts"),
};

export interface AccountTesterDeps {
  /** The client of all other calls to vendors. */
  httpClient: HttpClient;
  /** Returns epoch ms. Default: the clock of this machine. */
  now?(): number;
  /** Time limits, ms. Default: `ACCOUNT_TEST`. */
  limits?: { requestMs: number; totalMs: number };
}

export function createAccountTester({
  httpClient,
  now = Date.now,
  limits = ACCOUNT_TEST,
}: AccountTesterDeps): AccountTester {
  return {
    async test(providerId, account) {
      const rules = await rulesOf(providerId);
      const endsAt = now() + limits.totalMs;

      async function send({ method, url, body }: FreeRequest, headers: Record<string, string>) {
        const startedAt = now();
        const timeoutMs = Math.max(1, Math.min(limits.requestMs, endsAt - startedAt));
        const outcome = await httpClient({ method, url, headers, body, timeoutMs });
        return { outcome, latencyMs: Math.max(0, now() - startedAt) };
      }

      const requests = rules.requestsOf(account);
      for (const [n, request] of requests.entries()) {
        const { outcome, latencyMs } = await send(request, rules.headersOf(account));
        if (n + 1 < requests.length && isNoRoute(outcome) && !request.isExpected(outcome)) continue;
        const code = codeOf(outcome, request, rules, account.apiKey);
        const result = resultOf(code, outcome, latencyMs, account);
        if (code !== "ok") return result;
        const without = await send(request, {});
        const isRefused = codeOf(without.outcome, request, rules, account.apiKey) === "unauthorized";
        return isRefused ? result : { ...result, code: "key_not_checked" };
      }
      throw new Error(`the family of ${providerId} has no free request`);
    },
  };
}

async function rulesOf(providerId: string): Promise<AccountTestRules> {
  const dialect = DIALECTS.get(providerId);
  if (dialect) return mjproxyRules(dialect);
  if (!Object.hasOwn(FAMILY_RULES, providerId)) throw new Error(`Unknown provider "${providerId}"`);
  return (await FAMILY_RULES[providerId]!()).rules;
}

function isNoRoute(outcome: HttpOutcome): outcome is Answered {
  return outcome.kind === "answered" && (outcome.status === 404 || outcome.status === 405);
}

function codeOf(outcome: HttpOutcome, request: FreeRequest, rules: AccountTestRules, apiKey: string): AccountTestCode {
  if (outcome.kind === "unsent") return "unreachable";
  // Node's HTTP parser: the server speaks another protocol than HTTP.
  if (outcome.kind === "lost") return outcome.reason.startsWith("HPE_") ? "not_this_protocol" : "no_response";
  if (request.isExpected(outcome)) return "ok";
  return meaningOf(outcome, rules.read(outcome, apiKey));
}

function meaningOf(response: Answered, outcome: SubmitOutcome): AccountTestCode {
  const { status, text } = response;
  switch (outcome.kind) {
    case "refused":
      return REFUSED[outcome.failure.code] ?? "unknown";
    case "busy":
      // A page with 403 is from a firewall. A server error is no limit, although nothing was done.
      return status >= 500 || isPage(text) ? "unknown" : "rate_limited";
    case "unclear":
      return status < 500 && !isFields(parseJson(text)) ? "not_this_protocol" : "unknown";
    default:
      return "unknown";
  }
}

const REFUSED: Readonly<Record<string, AccountTestCode>> = {
  vendor_unauthorized: "unauthorized",
  vendor_out_of_money: "out_of_money",
  unsupported: "not_this_protocol",
};

const isPage = (text: string): boolean => /^\s*</.test(text);

function resultOf(code: AccountTestCode, outcome: HttpOutcome, latencyMs: number, account: AccountConfig): AccountTest {
  if (outcome.kind !== "answered") return { code, latencyMs, reason: outcome.reason };
  const { status, text, headers = {} } = outcome;
  const isRedirect = status >= 300 && status < 400;
  const redirectsTo = isRedirect ? URL.parse(headers.location ?? "", account.baseUrl)?.origin : undefined;
  // The body of an expected response is no message.
  const vendorText = code === "ok" ? undefined : vendorTextOf(text, account);
  return {
    code,
    latencyMs,
    status,
    ...(vendorText !== undefined && { vendorText }),
    ...(redirectsTo !== undefined && { redirectsTo }),
  };
}
