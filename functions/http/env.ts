/** What a request carries through the middleware: types only, so that routes need not know the app. */
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
import type { Context } from "hono";

export type ApiDeps = Omit<EngineDeps, "callbackTokens"> &
  FlowDefaults &
  EndpointDeps &
  VendorAdmin & {
    subscriptions: Subscriptions;
    webhooks: WebhookSender;
    vault: Vault;
    sleep(ms: number): Promise<void>;
    /** Why an address is none we post to, as far as can be told without asking for it; the guard has the last word. */
    urlProblem(url: string): string | undefined;
    /** Where this API is reached, if not where its requests say. */
    apiUrl?: string | undefined;
    /** Links to our copies. @param baseUrl where this API is reached */
    mediaLinks(baseUrl: string): MediaLinks;
    /** Where a browser fetches an object of the bucket, for minutes. */
    objectUrl(key: string): Promise<string>;
    /** The operator's. */
    apiKeys: readonly OperatorKey[];
    accounts: Accounts;
    banned: BannedWordsCheck;
    queueDepths: QueueDepths;
  } & MjCompatDeps;

/** As a route has them: the limits are those of the app that asks. */
export type RouteDeps = ApiDeps & AppLimits;

export interface AppEnv {
  Variables: { deps: RouteDeps; caller: Caller; appId: string; requestId: string };
}

/** Links to our copies: at the address this request came to, unless the stage names another. */
export function mediaUrlOf(c: Context<AppEnv>): (key: string) => string {
  const { mediaLinks, apiUrl } = c.get("deps");
  return mediaLinks(apiUrl ?? new URL(c.req.url).origin).url;
}

/** An address that would never be posted to is refused when it is named, not when something is to be told. */
export function checkCallbackUrl(c: Context<AppEnv>, field: string, url: string | undefined): void {
  const why = url === undefined ? undefined : c.get("deps").urlProblem(url);
  if (why !== undefined) throw new MjflowError("invalid_request", { field, detail: `${field}: ${why}` });
}
