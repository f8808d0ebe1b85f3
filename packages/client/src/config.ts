/** What a client is told once: where, with which key, and by what means. */
import { invalidArgument } from "./error.ts";
import { RETRY, type RetryPolicy } from "./retry.ts";
import { type Sleep, sleep } from "./time.ts";

export interface MjflowOptions {
  /** Default: the environment's MJFLOW_URL, then http://127.0.0.1:4600. In a browser also a path: `/api/mjflow`. */
  baseUrl?: string;
  /** Default: the environment's MJFLOW_API_KEY. */
  apiKey?: string;
  /** Default: the platform's. */
  fetch?: typeof fetch;
  /** How often a request that may be sent again is. Default 3; 0 turns it off. */
  maxRetries?: number;
  /** How long one try may take. Default 60,000. */
  requestTimeoutMs?: number;
  /** For tests: a clock, chance and patience of their own. */
  sleep?: Sleep;
  now?: () => number;
  random?: () => number;
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

/** @throws MjflowError invalid_argument; it never repeats a key, nor an address that holds credentials */
export function configOf(options: MjflowOptions): Config {
  return {
    baseUrl: baseUrlOf(options.baseUrl ?? env("MJFLOW_URL") ?? DEFAULT_URL),
    apiKey: keyOf(options.apiKey ?? env("MJFLOW_API_KEY")),
    // Browsers refuse a fetch that was taken off its window, and tests replace it later.
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
    throw invalidArgument("It is not an address.", "baseUrl");
  }
  if (!/^https?:$/.test(url.protocol)) throw invalidArgument("It must begin with http:// or https://.", "baseUrl");
  if (url.username || url.password) throw invalidArgument("It must hold no credentials; use apiKey.", "baseUrl");
  if (url.search || url.hash) throw invalidArgument("It must hold neither a query nor a fragment.", "baseUrl");
  return url.href.replace(/\/+$/, "");
}

/** What a header cannot carry would come back inside the platform's own error message. */
function keyOf(key: string | undefined): string | undefined {
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
