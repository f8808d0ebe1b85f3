/** What a request carries through the middleware: types only, so that routes need not know the app. */
import type { Caller, OperatorKey } from "@mjflow/engine/app";
import type { Defaults } from "@mjflow/engine/create";
import type { Deps } from "@mjflow/engine/deps";
import type { EndpointDeps } from "@mjflow/engine/endpoint";
import type { FacadeDeps } from "@mjflow/engine/facade";
import type { Listeners } from "@mjflow/engine/listen";
import type { MediaLinks } from "@mjflow/engine/media-link";
import type { Context } from "hono";

export type ApiDeps = Omit<Deps, "hooks"> &
  Defaults &
  EndpointDeps & {
    listeners: Listeners;
    sleep(ms: number): Promise<void>;
    /** Where this API is reached, if not where its requests say. */
    apiUrl?: string | undefined;
    /** Links to our copies. @param baseUrl where this API is reached */
    mediaLinks(baseUrl: string): MediaLinks;
    /** Where a browser fetches an object of the bucket, for minutes. */
    objectUrl(key: string): Promise<string>;
    /** The operator's. */
    apiKeys: readonly OperatorKey[];
    /** Who does what the facade is asked for; unset: the first that is configured. */
    defaultProvider?: string;
  } & FacadeDeps;

export interface AppEnv {
  Variables: { deps: ApiDeps; caller: Caller; appId: string; requestId: string };
}

/** Links to our copies: at the address this request came to, unless the stage names another. */
export function mediaUrlOf(c: Context<AppEnv>): (key: string) => string {
  const { mediaLinks, apiUrl } = c.get("deps");
  return mediaLinks(apiUrl ?? new URL(c.req.url).origin).url;
}
