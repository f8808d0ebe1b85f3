/** The settings of a client: address, key and the functions it uses. */
import { invalidArgument } from "./error.ts";
import { RETRY, type RetryPolicy } from "./retry.ts";
import { type Sleep, sleep } from "./time.ts";

export interface MjflowOptions {
  /**
   * Base URL of the API. Default: the environment variable MJFLOW_URL, then http://127.0.0.1:4600. In a browser also a
   * path: `/api/mjflow`.
   */
  baseUrl?: string | undefined;
  /** API key. Default: the environment variable MJFLOW_API_KEY. */
  apiKey?: string | undefined;
  /** Fetch function. Default: the platform's. */
  fetch?: typeof fetch | undefined;
  /** Maximum number of retries of a request that is safe to repeat. Default 3; 0 turns retries off. */
  maxRetries?: number | undefined;
  /** Time limit of one HTTP request, ms. Default 60,000. */
  requestTimeoutMs?: number | undefined;
  /** For tests: replacements for sleeping, the clock and the random numbers. */
  sleep?: Sleep | undefined;
  now?: (() => number) | undefined;
  random?: (() => number) | undefined;
}

export interface Config {
  baseUrl: string;
  apiKey: string | undefined;
  fetch: typeof fetch;
  retry: RetryPolicy;
  requestTimeoutMs: number;
  sleep: Sleep;
  now: () => number;
  random: () => number;
}

const DEFAULT_URL = "http://127.0.0.1:4600";

/** @throws MjflowError `invalid_argument`; the error contains neither a key nor an address with credentials */
export function configOf(options: MjflowOptions): Config {
  return {
    baseUrl: baseUrlOf(options.baseUrl ?? env("MJFLOW_URL") ?? DEFAULT_URL),
    apiKey: keyOf(options.apiKey ?? env("MJFLOW_API_KEY")),
    // The default calls `fetch` as a method of globalThis. Browsers reject a detached `fetch`, and tests may replace
    // the global one later.
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
    retry: { ...RETRY, maxRetries: count(options.maxRetries ?? RETRY.maxRetries, "maxRetries") },
    requestTimeoutMs: count(options.requestTimeoutMs ?? 60_000, "requestTimeoutMs"),
    sleep: options.sleep ?? sleep,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  };
}

function baseUrlOf(text: string): string {
  const here = (globalThis as { location?: { href?: string } }).location?.href;
  let url: URL;
  try {
    url = new URL(text, here);
  } catch {
    throw invalidArgument("It must be a URL.", "baseUrl");
  }
  if (!/^https?:$/.test(url.protocol)) throw invalidArgument("It must start with http:// or https://.", "baseUrl");
  if (url.username || url.password)
    throw invalidArgument("It must not contain credentials. Use apiKey instead.", "baseUrl");
  if (url.search || url.hash) throw invalidArgument("It must not contain a query or a fragment.", "baseUrl");
  return url.href.replace(/(?<!\/)\/+$/, "");
}

/** Checks the key here, because the platform's own error for an invalid header would contain the key. */
function keyOf(key: string | undefined): string | undefined {
  if (key === "") throw invalidArgument("It is empty. Set MJFLOW_API_KEY, or give the key.", "apiKey");
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw invalidArgument("It must be printable ASCII without spaces.", "apiKey");
  }
  return key;
}

function count(value: number, field: string): number {
  if (!(value >= 0)) throw invalidArgument("It must be a number, 0 or more.", field);
  return value;
}

function env(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name]?.trim() || undefined;
}
