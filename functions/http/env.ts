/** What a request carries through the middleware: types only, so that routes need not know the app. */
import type { Deps } from "@mjflow/engine/deps";
import type { ApiKey } from "./key.ts";

export type ApiDeps = Omit<Deps, "hooks"> & {
  apiKeys: readonly ApiKey[];
  /** What a flow that does not say gets: progress callbacks stored, or dropped at the door. */
  storeProgress: boolean;
};

export interface AppEnv {
  Variables: { deps: ApiDeps; appId: string; requestId: string };
}
