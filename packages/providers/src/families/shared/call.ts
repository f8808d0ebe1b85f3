/** Requests of the families, and the reading of look-ups. */
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { LOOKUP_TIMEOUT_MS, SUBMIT_ANSWER_TIMEOUT_MS } from "@mjflow/core/limit";
import { type AccountConfig, LookupError } from "@mjflow/core/port";
import type { ProviderDeps } from "../../family.ts";
import type { HttpOutcome } from "../../http-client.ts";
import { type Fields, isFields, parseJson } from "../../json.ts";
import { cleanVendorText } from "../../redact.ts";

export interface Caller {
  /** A paid call. Never throws. */
  submit(path: string, body: Fields, account: AccountConfig): Promise<HttpOutcome>;
  /** @returns the body of a response below 300, otherwise what `readError` returns. @throws LookupError */
  ask(request: Ask, account: AccountConfig): Promise<unknown>;
}

export interface Ask {
  path: string;
  /** Unset: GET. */
  body?: Fields;
  /** Returns the result of an error response that is an answer, such as "no such task"; undefined: the look-up failed. */
  readError?(status: number, body: Fields): unknown;
}

/**
 * @param prefix path that begins every route. A base URL may have it already, or a part of it
 * @param headersOf headers with the key of the account
 * @param errorTextOf what an error body says; undefined: nothing
 */
export function createCaller(
  { httpClient, submitTimeoutMs = SUBMIT_ANSWER_TIMEOUT_MS, lookupTimeoutMs = LOOKUP_TIMEOUT_MS }: ProviderDeps,
  prefix: string,
  headersOf: (account: AccountConfig) => Record<string, string>,
  errorTextOf: (body: Fields) => string | undefined,
): Caller {
  return {
    submit(path, body, account) {
      const url = urlOf(account.baseUrl, prefix, path);
      return httpClient({ method: "POST", url, headers: headersOf(account), body, timeoutMs: submitTimeoutMs });
    },
    async ask({ path, body, readError }, account) {
      const method = body ? "POST" : "GET";
      const url = urlOf(account.baseUrl, prefix, path);
      const outcome = await httpClient({ method, url, headers: headersOf(account), body, timeoutMs: lookupTimeoutMs });
      if (outcome.kind === "unsent") throw new LookupError(`not sent: ${outcome.reason}`, { unreachable: true });
      if (outcome.kind === "lost") throw new LookupError(outcome.reason);
      const { status, text } = outcome;
      const answer = parseJson(text);
      if (status < 300) return answer;
      const fields = isFields(answer) ? answer : {};
      const read = readError?.(status, fields);
      if (read !== undefined) return read;
      const said = errorTextOf(fields);
      const words = said === undefined ? "" : `: ${cleanVendorText(said, account.apiKey)}`;
      // A page with 403 is from a firewall in front of the vendor. It is not about the key.
      throw new LookupError(`HTTP ${status}${words}`, {
        unauthorized: status === 401 || (status === 403 && isFields(answer)),
      });
    },
  };
}

/** @internal */
export function urlOf(baseUrl: string, prefix: string, path: string): string {
  const base = withoutEndSlashes(baseUrl);
  const parts = prefix.split("/").slice(1);
  // The longest beginning of the prefix with which the base URL ends.
  for (let n = parts.length; n > 0; n--) {
    const start = `/${parts.slice(0, n).join("/")}`;
    if (base.endsWith(start))
      return `${base}${parts
        .slice(n)
        .map((part) => `/${part}`)
        .join("")}${path}`;
  }
  return `${base}${prefix}${path}`;
}
