/**
 * The vendors of a deployment: those of the configuration and the accounts that the operator stored through the API. A
 * stored account overrides fields of the configured account with the same name, or is an account of its own. Its API
 * key is encrypted and decrypted only here.
 */
import { ACCOUNTS_PER_STAGE, type AccountTraits, isAccountName, type StoredAccount } from "@mjflow/core/account";
import { MjflowError } from "@mjflow/core/error";
import type { AccountConfig, Clock, Log, Provider, Providers, Vendor, VendorStore } from "@mjflow/core/port";
import type { AccountPatch, AccountRequest } from "@mjflow/core/request";
import type { Vault } from "../app/vault.ts";
import { deleteWithRetry, updateWithRetry } from "../step/update-with-retry.ts";
import type { Accounts } from "./account.ts";

export interface VendorDeps {
  /** The configured providers, and a provider for each known vendor id. */
  configured: Providers & { dialect(id: string): Provider | undefined };
  vendorStore: Pick<VendorStore, "storedAccounts">;
  vault: Pick<Vault, "open">;
  clock: Clock;
  log: Log;
  /** Cache time of the stored accounts, ms: another process uses a new or changed account at most this much later. */
  cacheTtlMs: number;
}

/** All vendors after the first `refresh`; before it, only the configured ones. */
export interface Vendors extends Providers {
  refresh(how?: "force"): Promise<void>;
  /** The configured providers, without stored accounts. */
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
        const vendor = mergedVendor(id, byProvider.get(id) ?? []);
        return vendor ? [[id, vendor] as const] : [];
      }),
    );
    until = clock.now() + cacheTtlMs;
  }

  function mergedVendor(id: string, stored: readonly StoredAccount[]): Vendor | undefined {
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
      const config = accountConfigOf(account, configs.get(account.name));
      if (!config) continue;
      const { name, weight, maxRunning, baseUrl } = account;
      const { simulated, ...before } = traits.get(name) ?? { name, weight: 1 };
      configs.set(name, config);
      traits.set(name, {
        ...before,
        // An address of its own is that of a real vendor.
        ...(simulated && baseUrl === undefined && { simulated }),
        ...(weight !== undefined && { weight }),
        ...(maxRunning !== undefined && { maxRunning }),
      });
    }
    if (configs.size === 0) return undefined;
    const accounts = [...traits.values()];
    return { provider, account: (name) => configs.get(name), accounts: () => accounts };
  }

  /**
   * Returns undefined if neither the row nor the configuration has the URL and the key, or if the key cannot be
   * decrypted.
   */
  function accountConfigOf(account: StoredAccount, own: AccountConfig | undefined): AccountConfig | undefined {
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
    known: () => configured.known?.() ?? [],
    async refresh(how) {
      if (how !== "force" && until > clock.now()) return;
      // A read that started before this call may miss the change for which the caller needs "force".
      if (how === "force") await reading?.catch(() => {});
      reading ??= read().finally(() => {
        reading = undefined;
      });
      const hasCached = how === undefined && vendors !== undefined;
      // With cached accounts, a failed read is only logged. Without them the error is thrown, because the accounts are
      // unknown.
      await (hasCached ? reading.catch((error) => log.warn("vendor.unread", { error: String(error) })) : reading);
    },
  };
}

/** Context of the encryption: a key can be decrypted only for its own account. */
function keyContext({ provider, name }: Pick<StoredAccount, "provider" | "name">): string {
  return `vendor/${provider}/${name}`;
}

// ── management by the operator ─────────────────────────────────────────────────────────────────────────────────────

export interface VendorAdmin {
  vendors: Vendors;
  accounts: Pick<Accounts, "resetBreaker">;
  vendorStore: VendorStore;
  vault: Pick<Vault, "seal">;
  clock: Clock;
  log: Log;
}

/** @throws MjflowError `not_found` if the vendor is unknown; `invalid_request`; `limit_reached`; `already_exists` */
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
    throw new MjflowError("limit_reached", {
      detail: `A deployment has at most ${ACCOUNTS_PER_STAGE} stored accounts.`,
    });
  }
  const now = deps.clock.now();
  const sealed = deps.vault.seal(apiKey, keyContext({ provider, name }));
  const account = { provider, name, rev: 0, baseUrl, sealed, weight, maxRunning, createdAt: now, updatedAt: now };
  const saved = await deps.vendorStore.saveStoredAccount(account);
  if (!saved.ok)
    throw new MjflowError("already_exists", { detail: "An account with this name exists. Update it instead." });
  await deps.vendors.refresh("force");
  deps.log.info("vendor.account-added", { provider, account: name });
  return saved.item;
}

/**
 * Encrypts the API key of an account with the newest vault key.
 * @throws VaultError if the old vault key is missing
 */
export async function reencryptAccount(
  { vault, vendorStore }: Pick<VendorAdmin, "vendorStore"> & { vault: Vault },
  account: StoredAccount,
) {
  const context = keyContext(account);
  const sealed = account.sealed && vault.seal(vault.open(account.sealed, context), context);
  // A write conflict is ignored: another request has encrypted or replaced the key.
  await vendorStore.saveStoredAccount({ ...account, sealed });
}

/** Only the operator changes an account. More write conflicts in a row mean that something else is wrong. */
const FEW_WRITERS = { maxRetries: 5, detail: "Other requests changed it at the same time." };

/**
 * Changes an account. If the account is configured, only the given fields are stored; they override the configuration.
 *
 * @throws MjflowError `not_found`
 */
export async function updateAccount(
  deps: VendorAdmin,
  provider: string,
  name: string,
  { apiKey, baseUrl, weight, maxRunning }: AccountPatch,
): Promise<StoredAccount> {
  const { row } = await updateWithRetry<StoredAccount, StoredAccount>({
    async read() {
      const stored = await deps.vendorStore.storedAccount(provider, name);
      if (!stored && !deps.vendors.configured.get(provider)?.account(name)) throw new MjflowError("not_found");
      return stored ?? { provider, name, rev: 0, createdAt: deps.clock.now(), updatedAt: deps.clock.now() };
    },
    to: (account) => ({
      ...account,
      ...(baseUrl !== undefined && { baseUrl }),
      ...(apiKey !== undefined && { sealed: deps.vault.seal(apiKey, keyContext({ provider, name })) }),
      ...(weight !== undefined && { weight: weight ?? undefined }),
      ...(maxRunning !== undefined && { maxRunning: maxRunning ?? undefined }),
      updatedAt: deps.clock.now(),
    }),
    save: (account) => deps.vendorStore.saveStoredAccount(account),
    ...FEW_WRITERS,
  });
  await deps.vendors.refresh("force");
  // The faults of the previous key or URL do not apply to the new one.
  if (apiKey !== undefined || baseUrl !== undefined) await deps.accounts.resetBreaker(provider, name);
  deps.log.info("vendor.account-changed", { provider, account: name });
  return row!;
}

/**
 * Deletes a stored account. Its unfinished branches fail with `provider_missing`. If the configuration has an account
 * of the same name, that account applies again.
 *
 * @throws MjflowError `not_found`; `wrong_state` if only the configuration has the account; `overloaded`
 */
export async function removeAccount(deps: VendorAdmin, provider: string, name: string): Promise<void> {
  const stored = await deps.vendorStore.storedAccount(provider, name);
  if (!stored) {
    if (!deps.vendors.configured.get(provider)?.account(name)) throw new MjflowError("not_found");
    throw new MjflowError("wrong_state", {
      detail: "The account is part of the configuration. To stop new flows there, set its weight to 0.",
    });
  }
  await deleteWithRetry(stored, {
    remove: (row) => deps.vendorStore.deleteStoredAccount(row),
    read: () => deps.vendorStore.storedAccount(provider, name),
    ...FEW_WRITERS,
  });
  await deps.vendors.refresh("force");
  deps.log.info("vendor.account-removed", { provider, account: name });
}

function knownDialect({ vendors }: VendorAdmin, provider: string): void {
  if (!vendors.configured.dialect(provider)) throw new MjflowError("not_found");
}

function checkName(name: string): void {
  if (isAccountName(name)) return;
  throw new MjflowError("invalid_request", { field: "name", detail: 'Use 1 to 40 letters, digits, "_" or "-".' });
}
