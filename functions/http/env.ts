/** Types of the values that the middleware puts into the context of a request, and helpers that read them. */
import { withoutEndSlashes } from "@mjflow/core/end-slash";
import { MjflowError } from "@mjflow/core/error";
import type { MarkStore } from "@mjflow/core/mark";
import type { AccountTester, InputImages, QueueDepths, Translator, UploadCounts } from "@mjflow/core/port";
import type { Accounts } from "@mjflow/engine/account";
import type { Caller, OperatorKey } from "@mjflow/engine/app";
import type { BannedWordsCheck } from "@mjflow/engine/banned";
import type { FlowDefaults } from "@mjflow/engine/create";
import type { AppLimits } from "@mjflow/engine/credit";
import type { Objects } from "@mjflow/engine/delete-flow";
import type { WebhookSender } from "@mjflow/engine/deliver";
import type { EngineDeps } from "@mjflow/engine/deps";
import type { EndpointDeps } from "@mjflow/engine/endpoint";
import type { InputImageDeps } from "@mjflow/engine/input-image";
import type { MediaLinks } from "@mjflow/engine/media-link";
import type { MjCompatDeps } from "@mjflow/engine/mj-read";
import type { StreamLimiter } from "@mjflow/engine/stream-limit";
import type { Subscriptions } from "@mjflow/engine/subscriptions";
import type { Vault } from "@mjflow/engine/vault";
import type { VendorAdmin } from "@mjflow/engine/vendor-accounts";
import { type FlowFollowing, type Links, linksOf } from "@mjflow/engine/view";
import type { Context } from "hono";

/** The event streams and long polls of the deployment. */
export interface Streams {
  /** How clients should follow a flow. `stream`: an open stream costs nothing here. `read`: reads are cheaper. */
  follow: "stream" | "read";
  /** Base URL of the function that serves them. Unset: this function serves them. */
  url?: string;
  /** Limits those that this function serves. Unset: no limit. */
  limiter?: StreamLimiter;
}

export type ApiDeps = Omit<EngineDeps, "callbackTokens"> &
  FlowDefaults &
  EndpointDeps &
  VendorAdmin & {
    subscriptions: Subscriptions;
    webhooks: WebhookSender;
    vault: Vault;
    accountTester: AccountTester;
    sleep(ms: number): Promise<void>;
    /**
     * Why we would not send a webhook to this URL; undefined if the URL is allowed. The check makes no DNS query. The
     * URL guard checks again, with the resolved address, when a webhook is sent.
     */
    urlProblem(url: string): string | undefined;
    /** Base URL where apps reach this API. Unset: the origin of each request. */
    apiUrl?: string | undefined;
    /** URL of the console, or its path at the host of the API. Unset: this deployment has no console. */
    consoleUrl?: string | undefined;
    /**
     * `query`: this function is not the API, and the signed query of a request says where the API is. Unset: the API is at
     * the origin of each request.
     */
    apiUrlFrom?: "query";
    /** Links to archived images. @param baseUrl base URL where apps reach this API */
    mediaLinks(baseUrl: string): MediaLinks;
    /** The URL where a browser fetches an object of the bucket. It can expire after some minutes. */
    objectUrl(key: string): Promise<string>;
    /** Uploads, and links that requests name. */
    images: InputImages;
    uploadCounts: UploadCounts;
    markStore: MarkStore;
    /** The objects of deleted flows. */
    objects: Objects;
    /** Translates prompts. Unset: this deployment cannot. */
    translator?: Translator | undefined;
    /** Where the event streams of flows are. Unset: this deployment has none. */
    streams?: Streams | undefined;
    /** Origins whose web pages may call the API; `*`: every origin; empty: none. */
    corsOrigins: readonly string[];
    /** The API keys of the operator. */
    apiKeys: readonly OperatorKey[];
    accounts: Accounts;
    banned: BannedWordsCheck;
    queueDepths: QueueDepths;
    /**
     * Throws MjflowError `overloaded` if the table cannot be written. It writes at most one row in some seconds. Unset:
     * the health check does not look at the table.
     */
    checkStorage?(): Promise<void>;
  } & MjCompatDeps;

/** The dependencies of a route. The limits are those of the app that sent the request. */
export type RouteDeps = ApiDeps & AppLimits & Pick<InputImageDeps, "imageUrl">;

export interface AppEnv {
  Variables: { deps: RouteDeps; caller: Caller; appId: string; requestId: string };
}

/** Links to archived images. */
export function mediaUrlOf(c: Context<AppEnv>): (key: string) => string {
  return c.get("deps").mediaLinks(apiUrlOf(c)).url;
}

/** Links to archived images that end within `lifeMs`. */
export function endingMediaUrlOf(c: Context<AppEnv>, lifeMs: number): (key: string) => string {
  const { clock, mediaLinks } = c.get("deps");
  const links = mediaLinks(apiUrlOf(c));
  return (key) => links.endingUrl(key, clock.now(), lifeMs);
}

/** Links to uploads, for vendors. */
export function uploadUrlOf(c: Context<AppEnv>): InputImageDeps["imageUrl"] {
  return (key, extension) => c.get("deps").mediaLinks(apiUrlOf(c)).uploadUrl(key, extension);
}

/** Where the links in a response lead. */
export function linksFor(c: Context<AppEnv>): Links {
  const eventsUrl = (flowId: string) => followOf(c, flowId).eventsUrl;
  return linksOf(apiUrlOf(c), c.get("deps").consoleUrl, mediaUrlOf(c), eventsUrl);
}

/** Names of the query parameters with the URL of the API and its signature. */
const QUERY = { api: "api", signature: "s" } as const;

/**
 * Returns the base URL of the API: the configured one, the one of the query, or the origin of this request.
 *
 * @throws MjflowError `invalid_request` if the query must name the API and its signature is not ours
 */
function apiUrlOf(c: Context<AppEnv>): string {
  const { apiUrl, apiUrlFrom, mediaLinks } = c.get("deps");
  const { origin, searchParams } = new URL(c.req.url);
  if (apiUrl !== undefined || apiUrlFrom === undefined) return apiUrl ?? origin;
  const named = searchParams.get(QUERY.api) ?? "";
  if (mediaLinks(named).isOurBase(searchParams.get(QUERY.signature) ?? "")) return named;
  throw new MjflowError("invalid_request", { field: QUERY.api, detail: "Use the `eventsUrl` of the flow unchanged." });
}

/**
 * How a client can follow this flow. If the streams have a function of their own, the URL tells that function where the API
 * is. The two functions cannot both know each other's URL when they are deployed.
 */
export function followOf(c: Context<AppEnv>, flowId: string): FlowFollowing {
  const { apiUrl, apiUrlFrom, mediaLinks, streams } = c.get("deps");
  if (!streams) return { follow: "read", eventsUrl: null };
  const { origin, search } = new URL(c.req.url);
  const path = `/v1/flows/${flowId}/events`;
  const at = (base: string, query = "") => ({
    follow: streams.follow,
    eventsUrl: `${withoutEndSlashes(base)}${path}${query}`,
  });
  if (apiUrlFrom === "query") return at(origin, search);
  if (streams.url === undefined) return at(apiUrl ?? origin);
  if (apiUrl !== undefined) return at(streams.url);
  const query = new URLSearchParams({ [QUERY.api]: origin, [QUERY.signature]: mediaLinks(origin).baseSignature });
  return at(streams.url, `?${query}`);
}

/** Returns the base URL of the API for links in a problem, also if the query of the request is not ours. */
export function problemBaseOf(c: Context<AppEnv>): string {
  try {
    return apiUrlOf(c);
  } catch {
    return new URL(c.req.url).origin;
  }
}

/** Rejects a webhook URL that is not allowed when the app names it, not only when the first webhook is sent. */
export function checkCallbackUrl(c: Context<AppEnv>, field: string, url: string | undefined): void {
  const why = url === undefined ? undefined : c.get("deps").urlProblem(url);
  if (why !== undefined) throw new MjflowError("invalid_request", { field, detail: `${field}: ${why}` });
}
