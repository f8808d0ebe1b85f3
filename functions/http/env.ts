/** What a request carries through the middleware: types only, so that routes need not know the app. */
import type { Defaults } from "@mjflow/engine/create";
import type { Deps } from "@mjflow/engine/deps";
import type { ApiKey } from "./key.ts";

export type ApiDeps = Omit<Deps, "hooks"> &
  Defaults & {
    apiKeys: readonly ApiKey[];
  };

export interface AppEnv {
  Variables: { deps: ApiDeps; appId: string; requestId: string };
}
