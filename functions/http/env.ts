/** Types of the values that the middleware puts into the context of a request, and helpers that read them. */
import { MjflowError } from "@mjflow/core/error";
import type { QueueDepths } from "@mjflow/core/port";
import type { Accounts } from "@mjflow/engine/account";
import type { Caller, OperatorKey } from "@mjflow/engine/app";
import type { BannedWordsCheck } from "@mjflow/engine/banned";
import type { FlowDefaults } from "@mjflow/engine/create";
import type { AppLimits } from "@mjflow/engine/credit";
import type { WebhookSender } from "@mjflow/engine/deliver";
import type { EngineDeps } from "@mjflow/engine/deps";
import type { EndpointDeps } from "@mjflow/engine/endpoint";
import type { MediaLinks } from "@mjflow/engine/media-link";
import type { MjCompatDeps } from "@mjflow/engine/mj-compat";
import type { Subscriptions } from "@mjflow/engine/subscriptions";
import type { Vault } from "@mjflow/engine/vault";
import type { VendorAdmin } from "@mjflow/engine/vendor-accounts";
import type { FlowFollowing } from "@mjflow/engine/view";
import type { Context } from "hono";

export interface Streams {
  /** How clients should follow a flow. `stream`: an open stream costs nothing here. `read`: reads are cheaper. */
  follow: "stream" | "read";
}

export type ApiDeps = Omit<EngineDeps, "callbackTokens"> &
  FlowDefaults &
  EndpointDeps &
  VendorAdmin & {
    subscriptions: Subscriptions;
    webhooks: WebhookSender;
    vault: Vault;
    sleep(ms: number): Promise<void>;
    /**
     * Why we would not send a webhook to this URL; undefined if the URL is allowed. The check makes no DNS query. The
     * URL guard checks again, with the resolved address, when a webhook is sent.
     */
    urlProblem(url: string): string | undefined;
    /** Base URL where apps reach this API. Unset: the origin of each request. */
    apiUrl?: string | undefined;
    /** Links to archived images. @param baseUrl base URL where apps reach this API */
    mediaLinks(baseUrl: string): MediaLinks;
    /** The URL where a browser fetches an object of the bucket. It can expire after some minutes. */
    objectUrl(key: string): Promise<string>;
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
export type RouteDeps = ApiDeps & AppLimits;

export interface AppEnv {
  Variables: { deps: RouteDeps; caller: Caller; appId: string; requestId: string };
}

/** Links to archived images. Their base is the configured URL of the API, or else the origin of this request. */
export function mediaUrlOf(c: Context<AppEnv>): (key: string) => string {
  const { mediaLinks, apiUrl } = c.get("deps");
  return mediaLinks(apiUrl ?? new URL(c.req.url).origin).url;
}

/** How a client can follow this flow. The URL of the stream is absolute. */
export function followOf(c: Context<AppEnv>, flowId: string): FlowFollowing {
  const { apiUrl, streams } = c.get("deps");
  if (!streams) return { follow: "read", eventsUrl: null };
  const base = (apiUrl ?? new URL(c.req.url).origin).replace(/\/+$/, "");
  return { follow: streams.follow, eventsUrl: `${base}/v1/flows/${flowId}/events` };
}

/** Rejects a webhook URL that is not allowed when the app names it, not only when the first webhook is sent. */
export function checkCallbackUrl(c: Context<AppEnv>, field: string, url: string | undefined): void {
  const why = url === undefined ? undefined : c.get("deps").urlProblem(url);
  if (why !== undefined) throw new MjflowError("invalid_request", { field, detail: `${field}: ${why}` });
}
