/** The vendors that a deployment is configured for. */
import { type AccountTraits, DEFAULT_ACCOUNT, isAccountName } from "@mjflow/core/account";
import { MAX_RUNNING } from "@mjflow/core/limit";
import type { AccountConfig, Provider, Providers, Vendor } from "@mjflow/core/port";
import { FORMS, KNOWN_PROVIDER_IDS } from "./families/index.ts";
import { createFamilyProvider } from "./families/provider.ts";
import type { ProviderDeps } from "./family.ts";
import { createProvider } from "./mjproxy.ts";
import { DIALECTS, PROVIDER_IDS } from "./vendors/index.ts";

export interface AccountSetting extends AccountConfig {
  /** Share of new roots relative to the other accounts. Default 1. */
  weight?: number;
  /** Concurrency limit: number of our tasks that may run at the same time. Unset: no limit. */
  maxRunning?: number;
  /** True for an account of the vendor simulator. Default false. */
  simulated?: boolean;
}

/** What a provider may have beside its accounts. */
export interface ProviderSetting {
  /**
   * Parts of the vendor's API that are off because nothing confirms them (`Form.unproven`), by name. The README of the family says
   * what each does, and what it costs if it is wrong. Unset: all are off.
   */
  unproven?: readonly string[];
}

/** Maps a provider id to its single account, or to several accounts by name. The secret `Providers` holds it as JSON. */
export type ProvidersConfig = Record<
  string,
  (AccountConfig & ProviderSetting) | ({ accounts: Record<string, AccountSetting> } & ProviderSetting)
>;

/** The configured vendors, and every known vendor for accounts that are stored in the table. */
export interface Registry extends Providers {
  /** Returns the provider of a known vendor; undefined if there is none with this id. */
  dialect(id: string): Provider | undefined;
}

/**
 * @throws Error for an unknown id, an account without address or key, or an unknown name in `unproven`. The message never contains
 *   the key.
 */
export function createProviders(config: ProvidersConfig, deps: ProviderDeps): Registry {
  const providers = new Map<string, Provider>();
  function dialect(id: string): Provider | undefined {
    if (!providers.has(id)) {
      const found = DIALECTS.get(id);
      const form = FORMS.get(id);
      if (found) providers.set(id, createProvider(found, deps));
      else if (form) providers.set(id, createFamilyProvider(form, deps, unprovenOf(id, config[id])));
    }
    return providers.get(id);
  }
  const configured = new Map<string, Vendor>();
  for (const [id, setting] of Object.entries(config)) {
    const provider = dialect(id);
    if (!provider) throw new Error(`Unknown provider "${id}". Known providers: ${KNOWN_PROVIDER_IDS.join(", ")}`);
    configured.set(id, vendorOf(id, provider, setting));
  }
  return {
    get: (id) => configured.get(id),
    ids: () => [...configured.keys()],
    known: () => KNOWN_PROVIDER_IDS.filter((id) => id !== "simulator").map((id) => dialect(id)!),
    dialect,
  };
}

/** @throws Error for a name that the form does not have */
function unprovenOf(id: string, setting: ProvidersConfig[string] | undefined): readonly string[] {
  const names: unknown = isObject(setting) ? setting!.unproven : undefined;
  if (names === undefined) return [];
  const known = Object.keys(FORMS.get(id)!.unproven);
  if (!Array.isArray(names) || !names.every((name) => known.includes(name as string)))
    throw new Error(`"unproven" of provider "${id}" needs a list of: ${known.join(", ")}`);
  return names as string[];
}

function vendorOf(id: string, provider: Provider, setting: ProvidersConfig[string]): Vendor {
  // This check comes first, because the error of a JavaScript engine would quote the value, which may be a key.
  if (!isObject(setting)) throw new Error(`Provider "${id}" needs a baseUrl and an apiKey, or accounts`);
  const several = "accounts" in setting;
  if (several && !(isObject(setting.accounts) && Object.values(setting.accounts).every(isObject))) {
    throw new Error(`Provider "${id}" needs accounts by name, each with a baseUrl and an apiKey`);
  }
  const settings: Record<string, AccountSetting> = several ? setting.accounts : { [DEFAULT_ACCOUNT]: setting };
  const named = Object.entries(settings).map(([name, account]) => [name, trimmed(account)] as const);
  if (named.length === 0) throw new Error(`Provider "${id}" has no account`);
  for (const [name, account] of named)
    check(several ? `Account "${name}" of provider "${id}"` : `Provider "${id}"`, name, account);
  const accounts = new Map(named.map(([name, { baseUrl, apiKey }]) => [name, { baseUrl, apiKey }]));
  const traits = named.map(([name, { weight = 1, maxRunning, simulated }]): AccountTraits => {
    return { name, weight, ...(maxRunning !== undefined && { maxRunning }), ...(simulated && { simulated: true }) };
  });
  return { provider, account: (name) => accounts.get(name), accounts: () => traits };
}

/** A key or address from a file or a secret often ends with a line break. */
function trimmed(account: AccountSetting): AccountSetting {
  const text = (value: unknown) => (typeof value === "string" ? value.trim() : value);
  return { ...account, baseUrl: text(account.baseUrl) as string, apiKey: text(account.apiKey) as string };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check(subject: string, name: string, { baseUrl, apiKey, weight = 1, maxRunning = 1 }: AccountSetting): void {
  if (!isAccountName(name)) throw new Error(`${subject} needs a name of 1 to 40 letters, digits, "_" or "-"`);
  if (!/^https?:\/\//.test(baseUrl ?? "") || !URL.canParse(baseUrl)) {
    throw new Error(`${subject} needs a baseUrl that starts with http:// or https://`);
  }
  if (typeof apiKey !== "string" || apiKey === "") throw new Error(`${subject} needs an apiKey`);
  // Node's HTTP client refuses any other header value, so every call of this account would fail.
  if (!/^[!-~]+$/.test(apiKey)) {
    throw new Error(`${subject} needs an apiKey of visible ASCII characters, without blanks. Copy the key again.`);
  }
  if (!Number.isFinite(weight) || weight < 0) throw new Error(`${subject} needs a weight of 0 or more`);
  if (!Number.isInteger(maxRunning) || maxRunning < 1 || maxRunning > MAX_RUNNING) {
    throw new Error(`${subject} needs a maxRunning from 1 to ${MAX_RUNNING}`);
  }
}

export { DEFAULT_ACCOUNT, KNOWN_PROVIDER_IDS, PROVIDER_IDS };
