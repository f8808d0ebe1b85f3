/**
 * The vendors of a stage: those of its configuration, and accounts that the operator stored through the API. A stored one
 * adds to what the configuration says under its name, or stands alone; its key is sealed, and opened only here.
 */
import { ACCOUNTS_PER_STAGE, type AccountTraits, isAccountName, type StoredAccount } from "@mjflow/core/account";
import { MjflowError } from "@mjflow/core/error";
import type { AccountConfig, Clock, Log, Provider, Providers, Vendor, VendorStore } from "@mjflow/core/port";
import type { AccountPatch, AccountRequest } from "@mjflow/core/request";
import type { Accounts } from "./account.ts";
import type { Vault } from "./vault.ts";

export interface VendorDeps {
  /** Of the configuration; and a dialect for each id there is. */
  configured: Providers & { dialect(id: string): Provider | undefined };
  vendorStore: Pick<VendorStore, "storedAccounts">;
  vault: Pick<Vault, "open">;
  clock: Clock;
  log: Log;
  /** An account stored or changed is heard of this much later, at most. */
  cacheTtlMs: number;
}

/** All there are, once `fresh` was asked; before that, those of the configuration. */
export interface Vendors extends Providers {
  refresh(how?: "anew"): Promise<void>;
  /** Without what was stored. */
  configured: VendorDeps["configured"];
}

export function createVendors({ configured, vendorStore, vault, clock, log, cacheTtlMs }: VendorDeps): Vendors {
  let vendors: ReadonlyMap<string, Vendor> | undefined;
  let until = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    const stored = await vendorStore.storedAccounts();
    const byProvider = Map.groupBy(stored, ({ provider }) => provider);
    const added = [...byProvider.keys()].filter((id) => !configured.get(id));
    vendors = new Map(
      [...configured.ids(), ...added].flatMap((id) => {
        const vendor = joined(id, byProvider.get(id) ?? []);
        return vendor ? [[id, vendor] as const] : [];
      }),
    );
    until = clock.now() + cacheTtlMs;
  }

  function joined(id: string, stored: readonly StoredAccount[]): Vendor | undefined {
    const vendor = configured.get(id);
    const provider = vendor?.provider ?? configured.dialect(id);
    if (!provider || stored.length === 0) return vendor;
    const configs = new Map<string, AccountConfig>();
    const traits = new Map<string, AccountTraits>();
    for (const own of vendor?.accounts() ?? []) {
      configs.set(own.name, vendor!.account(own.name)!);
      traits.set(own.name, own);
    }
    for (const account of stored) {
      const config = opened(account, configs.get(account.name));
      if (!config) continue;
      const { name, weight, maxRunning } = account;
      configs.set(name, config);
      traits.set(name, {
        ...(traits.get(name) ?? { name, weight: 1 }),
        ...(weight !== undefined && { weight }),
        ...(maxRunning !== undefined && { maxRunning }),
      });
    }
    if (configs.size === 0) return undefined;
    const accounts = [...traits.values()];
    return { provider, account: (name) => configs.get(name), accounts: () => accounts };
  }

  /** Undefined: neither the row nor the configuration says where it is reached. */
  function opened(account: StoredAccount, own: AccountConfig | undefined): AccountConfig | undefined {
    const { provider, name: accountName, sealed } = account;
    const baseUrl = account.baseUrl ?? own?.baseUrl;
    try {
      const apiKey = sealed === undefined ? own?.apiKey : vault.open(sealed, keyContext(account));
      return baseUrl === undefined || apiKey === undefined ? undefined : { baseUrl, apiKey };
    } catch (error) {
      log.error("vendor.key-unopened", { provider, account: accountName, error: String(error) });
      return undefined;
    }
  }

  return {
    configured,
    get: (id) => (vendors ? vendors.get(id) : configured.get(id)),
    ids: () => (vendors ? [...vendors.keys()] : configured.ids()),
    async refresh(how) {
      if (how !== "anew" && until > clock.now()) return;
      // One that was begun before this was asked may have missed what "anew" is about.
      if (how === "anew") await reading?.catch(() => {});
      reading ??= read().finally(() => {
        reading = undefined;
      });
      const old = how === undefined && vendors !== undefined;
      // With an older belief a table in trouble holds nobody up; without one, who is there cannot be told.
      await (old ? reading.catch((error) => log.warn("vendor.unread", { error: String(error) })) : reading);
    },
  };
}

/** A sealed key opens for its own account only. */
function keyContext({ provider, name }: Pick<StoredAccount, "provider" | "name">): string {
  return `vendor/${provider}/${name}`;
}

// ── as the operator manages them ───────────────────────────────────────────────────────────────────────────────────

export interface VendorAdmin {
  vendors: Vendors;
  accounts: Pick<Accounts, "resetBreaker">;
  vendorStore: VendorStore;
  vault: Pick<Vault, "seal">;
  clock: Clock;
  log: Log;
}

/** @throws MjflowError not_found for an unknown vendor; invalid_request, conflict */
export async function addAccount(
  deps: VendorAdmin,
  provider: string,
  name: string,
  { baseUrl, apiKey, weight, maxRunning }: AccountRequest,
): Promise<StoredAccount> {
  knownDialect(deps, provider);
  checkName(name);
  const stored = await deps.vendorStore.storedAccounts();
  if (stored.length >= ACCOUNTS_PER_STAGE) {
    throw new MjflowError("conflict", { detail: `A stage has at most ${ACCOUNTS_PER_STAGE} accounts.` });
  }
  const now = deps.clock.now();
  const sealed = deps.vault.seal(apiKey, keyContext({ provider, name }));
  const account = { provider, name, rev: 0, baseUrl, sealed, weight, maxRunning, createdAt: now, updatedAt: now };
  const saved = await deps.vendorStore.saveStoredAccount(account);
  if (!saved.ok) throw new MjflowError("conflict", { detail: "There is an account of that name; change it instead." });
  await deps.vendors.refresh("anew");
  deps.log.info("vendor.account-added", { provider, account: name });
  return saved.item;
}

/** The same key under the vault's newest. @throws VaultError when the vault's key is gone */
export async function reencryptAccount(
  { vault, vendorStore }: Pick<VendorAdmin, "vendorStore"> & { vault: Vault },
  account: StoredAccount,
) {
  const context = keyContext(account);
  const sealed = account.sealed && vault.seal(vault.open(account.sealed, context), context);
  // A race that is lost was to somebody who sealed it just now.
  await vendorStore.saveStoredAccount({ ...account, sealed });
}

/** A writer that was first is heard: more lost races in a row mean that something else is wrong. */
const MAX_CONFLICT_RETRIES = 5;

/**
 * Of a configured account, what is given is stored beside the configuration.
 *
 * @throws MjflowError not_found
 */
export async function updateAccount(
  deps: VendorAdmin,
  provider: string,
  name: string,
  { apiKey, baseUrl, weight, maxRunning }: AccountPatch,
): Promise<StoredAccount> {
  for (let race = 0; race < MAX_CONFLICT_RETRIES; race++) {
    const now = deps.clock.now();
    const stored = await deps.vendorStore.storedAccount(provider, name);
    if (!stored && !deps.vendors.configured.get(provider)?.account(name)) throw new MjflowError("not_found");
    const saved = await deps.vendorStore.saveStoredAccount({
      ...(stored ?? { provider, name, rev: 0, createdAt: now }),
      ...(baseUrl !== undefined && { baseUrl }),
      ...(apiKey !== undefined && { sealed: deps.vault.seal(apiKey, keyContext({ provider, name })) }),
      ...(weight !== undefined && { weight: weight ?? undefined }),
      ...(maxRunning !== undefined && { maxRunning: maxRunning ?? undefined }),
      updatedAt: now,
    });
    if (!saved.ok) continue;
    await deps.vendors.refresh("anew");
    // What was held against the key before says nothing of this one.
    if (apiKey !== undefined || baseUrl !== undefined) await deps.accounts.resetBreaker(provider, name);
    deps.log.info("vendor.account-changed", { provider, account: name });
    return saved.item;
  }
  throw new MjflowError("overloaded", { detail: "Somebody else changes it all the time." });
}

/**
 * Its unfinished branches end typed (`provider_missing`). Where the configuration has one of that name, that one stands
 * again.
 *
 * @throws MjflowError not_found; conflict for one that only the configuration has
 */
export async function removeAccount(deps: VendorAdmin, provider: string, name: string): Promise<void> {
  const stored = await deps.vendorStore.storedAccount(provider, name);
  if (!stored) {
    if (!deps.vendors.configured.get(provider)?.account(name)) throw new MjflowError("not_found");
    throw new MjflowError("conflict", {
      detail: "The stage's configuration has this account; set its weight to 0 for it to get no new work.",
    });
  }
  await deps.vendorStore.deleteStoredAccount(stored);
  await deps.vendors.refresh("anew");
  deps.log.info("vendor.account-removed", { provider, account: name });
}

function knownDialect({ vendors }: VendorAdmin, provider: string): void {
  if (!vendors.configured.dialect(provider)) throw new MjflowError("not_found");
}

function checkName(name: string): void {
  if (isAccountName(name)) return;
  throw new MjflowError("invalid_request", { field: "name", detail: '1 to 40 letters, digits, "_" or "-".' });
}
