/**
 * The bulkhead between receivers of webhooks within one process. A worker waits for the response of a receiver, so a
 * receiver that hangs occupies workers that other apps need. This limiter counts the posts that are slow. A host, and an
 * app with all its hosts, may have only a few of them at one time. A fast receiver is never limited.
 *
 * The limiter also keeps circuit breakers for URLs that have no endpoint row: the `notifyHook` of a flow and the hook of
 * the compat API. They are lost with the process, which costs a few attempts.
 */
import {
  type EndpointBreaker,
  endpointBreakerState,
  isReceiverFault,
  recordReceiverFault,
  recordReceiverSuccess,
  startEndpointTrial,
} from "@mjflow/core/endpoint-breaker";
import type { PostOutcome } from "@mjflow/core/port";

export interface ReceiverLimiter {
  /**
   * Starts a post to `url`. Call the returned function when it has ended.
   * @param now epoch ms
   * @returns undefined if the host or the app has too many slow posts
   */
  tryStart(appId: string, url: string, now: number): (() => void) | undefined;
  /**
   * Asks the circuit breaker of a URL without an endpoint row. A half-open breaker starts its trial.
   * @returns when the breaker allows another attempt, epoch ms; undefined: now
   */
  openUntil(appId: string, url: string, now: number): number | undefined;
  /** Records the outcome of a post to a URL without an endpoint row. */
  record(appId: string, url: string, outcome: PostOutcome, now: number): void;
}

export interface ReceiverLimits {
  /** Maximum number of slow posts to one host of an app. */
  perHost: number;
  /** Maximum number of slow posts of one app. */
  perApp: number;
}

/** A post is slow after this time. */
export const SLOW_POST_MS = 500;
export const RECEIVER_LIMITS: ReceiverLimits = { perHost: 4, perApp: 12 };
/** Maximum number of hosts with faults that are remembered; the oldest is forgotten first. */
const MAX_REMEMBERED = 1_000;

export function createReceiverLimiter({ perHost, perApp }: ReceiverLimits = RECEIVER_LIMITS): ReceiverLimiter {
  /** Start times of the posts in flight, by app and then by host. */
  const inFlight = new Map<string, Map<string, Set<{ startedAt: number }>>>();
  const breakers = new Map<string, EndpointBreaker>();
  const slowOf = (posts: Iterable<{ startedAt: number }>, now: number) =>
    [...posts].filter(({ startedAt }) => now - startedAt >= SLOW_POST_MS).length;

  function end(appId: string, host: string, post: { startedAt: number }): void {
    const hosts = inFlight.get(appId);
    hosts?.get(host)?.delete(post);
    if (hosts?.get(host)?.size === 0) hosts.delete(host);
    if (hosts?.size === 0) inFlight.delete(appId);
  }

  function remember(key: string, breaker: EndpointBreaker): void {
    breakers.delete(key);
    if (breaker.faults === undefined && breaker.openUntil === undefined) return;
    if (breakers.size >= MAX_REMEMBERED) breakers.delete(breakers.keys().next().value!);
    breakers.set(key, breaker);
  }

  return {
    tryStart(appId, url, now) {
      const host = hostOf(url);
      const hosts = inFlight.get(appId) ?? new Map<string, Set<{ startedAt: number }>>();
      const posts = hosts.get(host) ?? new Set();
      if (slowOf(posts, now) >= perHost) return undefined;
      if ([...hosts.values()].reduce((sum, each) => sum + slowOf(each, now), 0) >= perApp) return undefined;
      const post = { startedAt: now };
      inFlight.set(appId, hosts.set(host, posts.add(post)));
      return () => end(appId, host, post);
    },
    openUntil(appId, url, now) {
      const key = `${appId} ${hostOf(url)}`;
      const breaker = breakers.get(key) ?? {};
      const state = endpointBreakerState(breaker, now);
      if (state === "open") return breaker.openUntil;
      if (state === "half-open") remember(key, startEndpointTrial(breaker, now));
      return undefined;
    },
    record(appId, url, outcome, now) {
      const key = `${appId} ${hostOf(url)}`;
      const breaker = breakers.get(key) ?? {};
      const next = isReceiverFault(outcome) ? recordReceiverFault(breaker, now) : recordReceiverSuccess(breaker);
      if (next) remember(key, next);
    },
  };
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "";
}
