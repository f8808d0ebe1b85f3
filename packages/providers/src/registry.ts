/** The vendors a stage is configured for. */

import { type AccountTraits, DEFAULT_ACCOUNT, isAccountName } from "@mjflow/core/account";
import { MAX_RUNNING } from "@mjflow/core/limit";
import type { AccountConfig, Provider, Providers, Vendor } from "@mjflow/core/port";
import { createProvider, type ProviderDeps } from "./mjproxy.ts";
import { DIALECTS, PROVIDER_IDS } from "./vendors/index.ts";

export interface AccountSetting extends AccountConfig {
  /** Its share of new roots beside the others; 1 where not given. */
  weight?: number;
  /** Tasks it runs at a time; as many as the vendor takes where not given. */
  maxRunning?: number;
}

/** Provider id to its one account, or to several by name. The secret `Providers` holds this as JSON. */
export type ProvidersConfig = Record<string, AccountConfig | { accounts: Record<string, AccountSetting> }>;

/** The configured vendors, and every dialect there is, for accounts that come from elsewhere. */
export interface Registry extends Providers {
  /** Undefined: no dialect of that id. */
  dialect(id: string): Provider | undefined;
}

/** @throws Error for an id no dialect has, or an account without address or key. The key is never in the message. */
export function createProviders(config: ProvidersConfig, deps: ProviderDeps): Registry {
  const providers = new Map<string, Provider>();
  function dialect(id: string): Provider | undefined {
    const form = DIALECTS.get(id);
    if (form && !providers.has(id)) providers.set(id, createProvider(form, deps));
    return providers.get(id);
  }
  const configured = new Map<string, Vendor>();
  for (const [id, setting] of Object.entries(config)) {
    const provider = dialect(id);
    if (!provider) throw new Error(`Unknown provider "${id}"; there are ${PROVIDER_IDS.join(", ")}`);
    configured.set(id, vendorOf(id, provider, setting));
  }
  return { get: (id) => configured.get(id), ids: () => [...configured.keys()], dialect };
}

function vendorOf(id: string, provider: Provider, setting: ProvidersConfig[string]): Vendor {
  // Asked before anything else: an engine's own words about a bad value would quote it, and it may be a key.
  if (!isObject(setting)) throw new Error(`Provider "${id}" needs a baseUrl and an apiKey, or accounts`);
  const several = "accounts" in setting;
  if (several && !(isObject(setting.accounts) && Object.values(setting.accounts).every(isObject))) {
    throw new Error(`Provider "${id}" needs accounts by name, each with a baseUrl and an apiKey`);
  }
  const settings: Record<string, AccountSetting> = several ? setting.accounts : { [DEFAULT_ACCOUNT]: setting };
  const named = Object.entries(settings);
  if (named.length === 0) throw new Error(`Provider "${id}" has no account`);
  for (const [name, account] of named)
    check(several ? `Account "${name}" of provider "${id}"` : `Provider "${id}"`, name, account);
  const accounts = new Map(named.map(([name, { baseUrl, apiKey }]) => [name, { baseUrl, apiKey }]));
  const traits = named.map(([name, { weight = 1, maxRunning }]): AccountTraits => {
    return { name, weight, ...(maxRunning !== undefined && { maxRunning }) };
  });
  return { provider, account: (name) => accounts.get(name), accounts: () => traits };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check(who: string, name: string, { baseUrl, apiKey, weight = 1, maxRunning = 1 }: AccountSetting): void {
  if (!isAccountName(name)) throw new Error(`${who} needs a name of 1 to 40 letters, digits, "_" or "-"`);
  if (!/^https?:\/\//.test(baseUrl ?? "") || !URL.canParse(baseUrl)) {
    throw new Error(`${who} needs a baseUrl that begins with http:// or https://`);
  }
  if (typeof apiKey !== "string" || apiKey === "") throw new Error(`${who} needs an apiKey`);
  if (!Number.isFinite(weight) || weight < 0) throw new Error(`${who} needs a weight of 0 or more`);
  if (!Number.isInteger(maxRunning) || maxRunning < 1 || maxRunning > MAX_RUNNING) {
    throw new Error(`${who} needs a maxRunning from 1 to ${MAX_RUNNING}`);
  }
}

export { DEFAULT_ACCOUNT, PROVIDER_IDS };
