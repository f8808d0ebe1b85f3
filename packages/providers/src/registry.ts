/** The vendors a stage is configured for. */
import type { AccountConfig, Provider, Providers } from "@mjflow/core/port";
import { createProvider, type ProviderDeps } from "./mjproxy.ts";
import { DIALECTS, PROVIDER_IDS } from "./vendors/index.ts";

/** Provider id to the one account it has for now. The secret `Providers` holds this as JSON. */
export type ProvidersConfig = Record<string, AccountConfig>;

/** The name of a provider's one account; tasks carry it, so that further accounts need no migration. */
export const DEFAULT_ACCOUNT = "default";

/** @throws Error for an id no dialect has, or an account without address or key. The key is never in the message. */
export function createProviders(config: ProvidersConfig, deps: ProviderDeps): Providers {
  const configured = new Map<string, { provider: Provider; account(name: string): AccountConfig | undefined }>();
  for (const [id, account] of Object.entries(config)) {
    const dialect = DIALECTS.get(id);
    if (!dialect) throw new Error(`Unknown provider "${id}"; there are ${PROVIDER_IDS.join(", ")}`);
    if (!/^https?:\/\//.test(account.baseUrl ?? "") || !URL.canParse(account.baseUrl)) {
      throw new Error(`Provider "${id}" needs a baseUrl that begins with http:// or https://`);
    }
    if (typeof account.apiKey !== "string" || account.apiKey === "")
      throw new Error(`Provider "${id}" needs an apiKey`);
    const provider = createProvider(dialect, deps);
    configured.set(id, { provider, account: (name) => (name === DEFAULT_ACCOUNT ? account : undefined) });
  }
  return { get: (id) => configured.get(id), ids: () => [...configured.keys()] };
}

export { PROVIDER_IDS };
