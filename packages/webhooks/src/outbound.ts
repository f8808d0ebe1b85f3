/** The only way out to an address that an app or a vendor named. */
import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { type AgentOptions, Agent as HttpsAgent } from "node:https";
import { getCACertificates } from "node:tls";
import { type Outbound, OutboundError } from "@mjflow/core/port";
import { createDeadline, type Deadline, networkErrorText, readResponsePrefix, sendRequest } from "./http-client.ts";
import { createResolve, type Resolve, resolveWithSystem } from "./resolve.ts";
import { retryAfterMs } from "./retry-after.ts";
import { createUrlGuard, type GuardOptions, guardedLookup, lookupOf } from "./url-guard.ts";

export interface OutboundOptions extends GuardOptions {
  /** For every name. Default: the name servers, and for names on the allow-list what the system says. */
  resolve?: Resolve;
  /** Certificates (PEM) to trust besides the usual ones: a company's own. */
  ca?: readonly string[];
  /** ms since 1970. */
  now?: () => number;
}

/** How much of an answer to a post is kept: enough for a receiver's error message. */
const MAX_STORED_BODY_BYTES = 4_096;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 3;

/**
 * One per process: it keeps connections for a while, each to the address it was checked for.
 *
 * @example
 * const outbound = createOutbound({ allow: ["127.0.0.1:*"] });
 * @throws TypeError for an allow-list entry that cannot be understood.
 */
export function createOutbound({ resolve, ca, now = Date.now, ...guarded }: OutboundOptions = {}): Outbound {
  const guard = createUrlGuard(guarded);
  const agentFor = createAgents({ resolve, ca });

  return {
    async post({ url: text, headers, body, timeoutMs }) {
      const begun = now();
      const verdict = guard.check(text);
      if (!verdict.ok) return { kind: "forbidden", why: verdict.why };
      const { url } = verdict;
      const deadline = createDeadline(timeoutMs);
      const tookMs = () => Math.max(0, now() - begun);
      try {
        const agent = agentFor(verdict);
        const answer = await sendRequest({ url, method: "POST", headers, body, agent }, deadline.signal);
        const kept = await readResponsePrefix(answer, MAX_STORED_BODY_BYTES);
        return { kind: "answered", ...headOf(answer, now()), body: kept, tookMs: tookMs() };
      } catch (error) {
        if (isForbidden(error)) return { kind: "forbidden", why: error.message };
        return { kind: "unreachable", why: networkErrorText(error, url.hostname, deadline.signal), tookMs: tookMs() };
      } finally {
        deadline.clear();
      }
    },

    async get(text, { timeoutMs }) {
      const deadline = createDeadline(timeoutMs);
      let verdict = guard.check(text);
      try {
        for (let redirects = 0; ; redirects++) {
          if (!verdict.ok) throw new OutboundError("forbidden", verdict.why);
          const { url } = verdict;
          const answer = await sendRequest(
            { url, method: "GET", headers: { accept: "*/*" }, agent: agentFor(verdict) },
            deadline.signal,
          );
          const { statusCode = 0, headers } = answer;
          if (!REDIRECTS.has(statusCode) || headers.location === undefined) {
            return { status: statusCode, ...contentOf(answer), body: bodyOf(answer, url.hostname, deadline) };
          }
          answer.destroy();
          if (redirects === MAX_REDIRECTS) {
            throw new OutboundError("unreachable", `${url.hostname}: more than ${MAX_REDIRECTS} redirects`);
          }
          verdict = guard.check(headers.location, url);
        }
      } catch (error) {
        deadline.clear();
        throw asOutboundError(error, verdict.ok ? verdict.url.hostname : "", deadline);
      }
    },
  };
}

/** Agents by how far their destinations are trusted: a socket that one of them keeps was checked by its rules. */
function createAgents({ resolve, ca }: Pick<OutboundOptions, "resolve" | "ca">) {
  const common: AgentOptions = {
    keepAlive: true,
    maxFreeSockets: 32,
    // Idle ones go before the usual server closes them (5 s) under a request on its way.
    timeout: 4_000,
    // The default of 250 ms gives up on receivers an ocean away, for an IPv6 that a Lambda function does not have.
    autoSelectFamilyAttemptTimeout: 3_000,
    ...(ca && { ca: [...getCACertificates("default"), ...ca] }),
  };
  // No proxyEnv on purpose: a proxy would resolve the name again, and ask nobody.
  const checked = new HttpsAgent({ ...common, lookup: guardedLookup(resolve ?? createResolve()) });
  const trusted = { ...common, lookup: lookupOf(resolve ?? resolveWithSystem) };
  const [trustedHttp, trustedHttps] = [new HttpAgent(trusted), new HttpsAgent(trusted)];
  return ({ url, trusted }: { url: URL; trusted: boolean }) => {
    if (!trusted) return checked;
    return url.protocol === "https:" ? trustedHttps : trustedHttp;
  };
}

function headOf({ statusCode = 0, headers }: IncomingMessage, now: number) {
  const afterMs = retryAfterMs(headers["retry-after"], now);
  return {
    status: statusCode,
    ...(afterMs !== undefined && { retryAfterMs: afterMs }),
    // Svix's extension of the standard: this message is not wanted, others are.
    ...(headers["webhook-delivery"] === "abort-message" && { abort: true }),
  };
}

function contentOf({ headers }: IncomingMessage) {
  const { "content-type": contentType, "content-length": length = "" } = headers;
  return {
    ...(contentType !== undefined && { contentType }),
    ...(/^\d{1,15}$/.test(length) && { contentLength: Number(length) }),
  };
}

async function* bodyOf(answer: IncomingMessage, host: string, deadline: Deadline): AsyncGenerator<Uint8Array> {
  try {
    yield* answer;
  } catch (error) {
    throw asOutboundError(error, host, deadline);
  } finally {
    deadline.clear();
  }
}

function isForbidden(error: unknown): error is OutboundError {
  return error instanceof OutboundError && error.kind === "forbidden";
}

/** Carries no cause: Node's errors quote what they were given. */
function asOutboundError(error: unknown, host: string, { signal }: Deadline): OutboundError {
  if (error instanceof OutboundError) return error;
  return new OutboundError("unreachable", networkErrorText(error, host, signal));
}
