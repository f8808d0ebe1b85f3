/** Requests to URLs that an app or a vendor gave. All such requests use this module. */
import type { IncomingMessage } from "node:http";
import type { AgentOptions } from "node:https";
import { type Outbound, OutboundError } from "@mjflow/core/port";
import { retryAfterMs } from "@mjflow/core/retry-after";
import { createDeadline, type Deadline, networkErrorText, readResponsePrefix, sendRequest } from "./http-client.ts";
import { createResolve, type Resolve, resolveWithSystem } from "./resolve.ts";
import { createUrlGuard, type GuardOptions, guardedLookup, lookupOf } from "./url-guard.ts";

export interface OutboundOptions extends GuardOptions {
  /** Resolver of all names. Default: the name servers, and the system resolver for names on the allow-list. */
  resolve?: Resolve;
  /** Additional trusted CA certificates (PEM), for example of a company. Default: none. */
  ca?: readonly string[];
  /** Current time, epoch ms. Default: `Date.now`. */
  now?: () => number;
}

/** Size of the stored start of a POST response, enough for an error message of the receiver. */
const MAX_STORED_BODY_BYTES = 4_096;
/**
 * Time for the stored start of a POST response, from the arrival of its head. The status decides about the delivery
 * (docs/decisions/0042). A receiver that sends its body byte by byte would hold a worker for the whole time limit.
 */
const BODY_TIMEOUT_MS = 1_000;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 3;

/**
 * Creates the outbound client. Use one per process: it keeps checked connections open for reuse.
 *
 * @example
 * const outbound = createOutbound({ allow: ["127.0.0.1:*"] });
 * @throws TypeError for an invalid allow-list entry
 */
export function createOutbound({ resolve, ca, now = Date.now, ...guarded }: OutboundOptions = {}): Outbound {
  const guard = createUrlGuard(guarded);
  const agentFor = createAgents({ resolve, ca });

  return {
    async post({ url: text, headers, body, timeoutMs, bodyBytes }) {
      const startedAt = now();
      const target = guard.check(text);
      if (!target.ok) return { kind: "forbidden", why: target.why };
      const { url } = target;
      const deadline = createDeadline(timeoutMs);
      const tookMs = () => Math.max(0, now() - startedAt);
      try {
        const agent = agentFor(target);
        const response = await sendRequest({ url, method: "POST", headers, body, agent }, deadline.signal);
        const prefix =
          bodyBytes === undefined
            ? await readResponsePrefix(response, MAX_STORED_BODY_BYTES, BODY_TIMEOUT_MS)
            : await readResponsePrefix(response, bodyBytes, Math.max(1, timeoutMs - tookMs()));
        return { kind: "answered", ...headOf(response, now()), body: prefix, tookMs: tookMs() };
      } catch (error) {
        if (isForbidden(error)) return { kind: "forbidden", why: error.message };
        return { kind: "unreachable", why: networkErrorText(error, url.hostname, deadline.signal), tookMs: tookMs() };
      } finally {
        deadline.clear();
      }
    },

    async get(text, { timeoutMs }) {
      const deadline = createDeadline(timeoutMs);
      let target = guard.check(text);
      try {
        for (let redirects = 0; ; redirects++) {
          if (!target.ok) throw new OutboundError("forbidden", target.why);
          const { url } = target;
          const response = await sendRequest(
            { url, method: "GET", headers: { accept: "*/*" }, agent: agentFor(target) },
            deadline.signal,
          );
          const { statusCode = 0, headers } = response;
          if (!REDIRECTS.has(statusCode) || headers.location === undefined) {
            return { status: statusCode, ...contentOf(response), body: bodyOf(response, url.hostname, deadline) };
          }
          response.destroy();
          if (redirects === MAX_REDIRECTS) {
            throw new OutboundError("unreachable", `${url.hostname}: more than ${MAX_REDIRECTS} redirects`);
          }
          target = guard.check(headers.location, url);
        }
      } catch (error) {
        deadline.clear();
        throw asOutboundError(error, target.ok ? target.url.hostname : "", deadline);
      }
    },
  };
}

/** Creates separate agents for checked and for allowed destinations, so a keep-alive socket never serves the other kind. */
function createAgents({ resolve, ca }: Pick<OutboundOptions, "resolve" | "ca">) {
  // An import statement of `node:http` would load the code of `fetch` and `WebSocket` at every cold start (docs/decisions/0084).
  const [http, https] = [process.getBuiltinModule("node:http"), process.getBuiltinModule("node:https")];
  const common: AgentOptions = {
    keepAlive: true,
    maxFreeSockets: 32,
    // Idle sockets close after 4 s, before a typical server closes them (5 s) while a request is in flight.
    timeout: 4_000,
    // Node's default of 250 ms is too short for distant receivers: it abandons their IPv4 address for an IPv6 address
    // that a Lambda function cannot reach.
    autoSelectFamilyAttemptTimeout: 3_000,
    ...(ca && { ca: [...process.getBuiltinModule("node:tls").getCACertificates("default"), ...ca] }),
  };
  // No `proxyEnv`: a proxy would resolve the name itself, without our check.
  const checked = new https.Agent({ ...common, lookup: guardedLookup(resolve ?? createResolve()) });
  const trusted = { ...common, lookup: lookupOf(resolve ?? resolveWithSystem) };
  const [trustedHttp, trustedHttps] = [new http.Agent(trusted), new https.Agent(trusted)];
  return ({ url, trusted }: { url: URL; trusted: boolean }) => {
    if (!trusted) return checked;
    return url.protocol === "https:" ? trustedHttps : trustedHttp;
  };
}

function headOf({ statusCode = 0, headers }: IncomingMessage, now: number) {
  const afterMs = retryAfterMs(headers["retry-after"], now, Date.parse);
  return {
    status: statusCode,
    ...(afterMs !== undefined && { retryAfterMs: afterMs }),
    // Extension of the standard by Svix: the receiver does not want this message, but accepts others.
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

async function* bodyOf(response: IncomingMessage, host: string, deadline: Deadline): AsyncGenerator<Uint8Array> {
  try {
    yield* response;
  } catch (error) {
    throw asOutboundError(error, host, deadline);
  } finally {
    deadline.clear();
  }
}

function isForbidden(error: unknown): error is OutboundError {
  return error instanceof OutboundError && error.kind === "forbidden";
}

/** Converts an error to an OutboundError. `cause` is left out, because Node's errors quote their input. */
function asOutboundError(error: unknown, host: string, { signal }: Deadline): OutboundError {
  if (error instanceof OutboundError) return error;
  return new OutboundError("unreachable", networkErrorText(error, host, signal));
}
