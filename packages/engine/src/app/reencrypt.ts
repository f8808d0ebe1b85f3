/**
 * Re-encrypts all stored secrets with the newest vault key after a rotation, so that the previous key can be removed.
 * One call handles one page of apps; the first page also handles the vendor accounts. A secret that already has the
 * newest key costs only a read.
 */
import { DEFAULT_APP } from "@mjflow/core/app";
import type { AppStore } from "@mjflow/core/port";
import { reencryptAccount, type VendorAdmin } from "../account/vendor-accounts.ts";
import { type EndpointDeps, reencryptEndpoint } from "../event/endpoint.ts";
import { type Vault, VaultError } from "./vault.ts";

type ReencryptDeps = EndpointDeps &
  Pick<VendorAdmin, "vendorStore"> & { vault: Vault; store: Pick<AppStore, "listApps"> };

export interface ReencryptResult {
  /** Number of endpoints and accounts with an encrypted secret. */
  looked: number;
  resealed: number;
  /**
   * Number of secrets that cannot be decrypted, because their key is missing or the text is damaged. The log names
   * each.
   */
  lost: number;
  cursor?: string;
}

/**
 * @param limit number of apps per call
 * @throws MjflowError `invalid_request` if the cursor is not valid
 */
export async function reencryptSecrets(deps: ReencryptDeps, limit: number, cursor?: string): Promise<ReencryptResult> {
  const { apps, cursor: next } = await deps.store.listApps(limit, cursor);
  const ids = [...(cursor === undefined ? [DEFAULT_APP] : []), ...apps.map(({ id }) => id)];
  const endpoints = (await Promise.all(ids.map((id) => deps.webhookStore.endpoints(id)))).flat();
  const accounts = cursor === undefined ? await deps.vendorStore.storedAccounts() : [];
  const sealed = [
    ...endpoints.map((endpoint) => ({
      name: { app: endpoint.appId, endpoint: endpoint.id },
      sealed: endpoint.secrets.map((secret) => secret.sealed),
      reencrypt: () => reencryptEndpoint(deps, endpoint),
    })),
    ...accounts.map((account) => ({
      name: { provider: account.provider, account: account.name },
      sealed: account.sealed === undefined ? [] : [account.sealed],
      reencrypt: () => reencryptAccount(deps, account),
    })),
  ].filter((owner) => owner.sealed.length > 0);
  const old = sealed.filter((owner) => !owner.sealed.every((text) => deps.vault.isCurrent(text)));
  const lost = await Promise.all(old.map((owner) => reencryptOwner(deps, owner)));
  const count = lost.filter(Boolean).length;
  deps.log.info("vault.resealed", { looked: sealed.length, resealed: old.length - count, lost: count });
  return {
    looked: sealed.length,
    resealed: old.length - count,
    lost: count,
    ...(next !== undefined && { cursor: next }),
  };
}

/** @returns true if the secret cannot be decrypted */
async function reencryptOwner(
  { log }: ReencryptDeps,
  owner: { name: object; reencrypt(): Promise<void> },
): Promise<boolean> {
  try {
    await owner.reencrypt();
    return false;
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    log.warn("vault.lost", { ...owner.name, error: error.message });
    return true;
  }
}
