/** The test of a vendor account: what free requests prove about its address and its key. */

/** Limits of a test. An operator waits for it, so they are shorter than those of a look-up. They are here, so that no cold start reads them. */
export const ACCOUNT_TEST = {
  /** Time limit of each of its requests, ms. */
  requestMs: 5_000,
  /** Time limit of all its requests together, ms. */
  totalMs: 8_000,
  /** Maximum length of the vendor's words in the result, characters. */
  textLength: 300,
} as const;

/** What each result of a test says. Codes are stable, because clients branch on them. */
export const ACCOUNT_TEST_RESULTS = {
  ok: {
    ok: true,
    reachable: true,
    key: "accepted",
    advice: "The account can get flows.",
  },
  unreachable: {
    ok: false,
    reachable: false,
    key: "unknown",
    advice: "Check scheme, host and TCP port of the base URL, and that the vendor's server runs.",
  },
  no_response: {
    ok: null,
    reachable: true,
    key: "unknown",
    advice: "The vendor is slow or overloaded. Test the account again in a minute.",
  },
  not_this_protocol: {
    ok: false,
    reachable: true,
    key: "unknown",
    advice: "Check the base URL and that the account has the right provider.",
  },
  unauthorized: {
    ok: false,
    reachable: true,
    key: "refused",
    advice: "Copy the whole key again. Check at the vendor that it is active and belongs to this API.",
  },
  out_of_money: {
    ok: false,
    reachable: true,
    key: "accepted",
    advice: "Add money or quota at the vendor, or renew the subscription.",
  },
  rate_limited: {
    ok: null,
    reachable: true,
    key: "unknown",
    advice: "The vendor limits our requests. Test the account again in a minute.",
  },
  key_not_checked: {
    ok: null,
    reachable: true,
    key: "unknown",
    advice: "The vendor did not refuse the same request without a key, so this test cannot prove the key.",
  },
  unknown: {
    ok: null,
    reachable: true,
    key: "unknown",
    advice: "Read the vendor's words. If they do not help, test the account again in a minute.",
  },
} as const satisfies Record<string, AccountTestMeaning>;

export interface AccountTestMeaning {
  /** Null: the test cannot tell. */
  ok: boolean | null;
  /** Whether a connection could be opened. */
  reachable: boolean;
  key: "accepted" | "refused" | "unknown";
  /** What the operator can do, as an imperative. */
  advice: string;
}

export type AccountTestCode = keyof typeof ACCOUNT_TEST_RESULTS;
export const ACCOUNT_TEST_CODES = Object.keys(ACCOUNT_TEST_RESULTS) as AccountTestCode[];

export interface AccountTest {
  code: AccountTestCode;
  /** Time from the request to its response or failure, ms. */
  latencyMs: number;
  /** HTTP status of the response; unset: no response came. */
  status?: number;
  /**
   * The vendor's words, at most `ACCOUNT_TEST.textLength` characters of untrusted text, without the key. Unset: it said nothing.
   */
  vendorText?: string;
  /** Why no response came: a code of Node.js such as `ENOTFOUND`, or `timeout`. Unset: a response came. */
  reason?: string;
  /** Origin to which the vendor redirects; unset: it does not. The redirect was not followed. */
  redirectsTo?: string;
}
