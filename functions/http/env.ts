/** What a request carries through the middleware: types only, so that routes need not know the app. */
import type { Caller, OperatorKey } from "@mjflow/engine/app";
import type { Defaults } from "@mjflow/engine/create";
import type { Deps } from "@mjflow/engine/deps";

export type ApiDeps = Omit<Deps, "hooks"> &
  Defaults & {
    /** The operator's. */
    apiKeys: readonly OperatorKey[];
  };

export interface AppEnv {
  Variables: { deps: ApiDeps; caller: Caller; appId: string; requestId: string };
}
