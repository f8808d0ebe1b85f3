/**
 * After a rotation of the vault's key: everything that is sealed with the one before is sealed anew, so that it can be
 * taken away. A page of apps at a time, the vendors' accounts with the first; what is done already costs a read.
 */
import { DEFAULT_APP } from "@mjflow/core/app";
import type { AppStore } from "@mjflow/core/port";
import { type EndpointDeps, reencryptEndpoint } from "./endpoint.ts";
import { type Vault, VaultError } from "./vault.ts";
import { reencryptAccount, type VendorAdmin } from "./vendor-accounts.ts";

type ReencryptDeps = EndpointDeps &
  Pick<VendorAdmin, "vendorStore"> & { vault: Vault; store: Pick<AppStore, "listApps"> };

export interface ReencryptResult {
  /** Endpoints and accounts that have something sealed. */
  looked: number;
  resealed: number;
  /** Sealed with a key that is no longer here, or damaged: each is named in the log. */
  lost: number;
  cursor?: string;
}

/** @param limit apps in one go @throws MjflowError invalid_request for a foreign cursor */
export async function reencryptSecrets(deps: ReencryptDeps, limit: number, cursor?: string): Promise<ReencryptResult> {
  const { apps, cursor: next } = await deps.store.listApps(limit, cursor);
  const ids = [...(cursor === undefined ? [DEFAULT_APP] : []), ...apps.map(({ id }) => id)];
  const endpoints = (await Promise.all(ids.map((id) => deps.webhookStore.endpoints(id)))).flat();
  const accounts = cursor === undefined ? await deps.vendorStore.storedAccounts() : [];
  const sealed = [
    ...endpoints.map((endpoint) => ({
      name: { app: endpoint.appId, endpoint: endpoint.id },
      sealed: endpoint.secrets.map((secret) => secret.sealed),
      reseal: () => reencryptEndpoint(deps, endpoint),
    })),
    ...accounts.map((account) => ({
      name: { provider: account.provider, account: account.name },
      sealed: account.sealed === undefined ? [] : [account.sealed],
      reseal: () => reencryptAccount(deps, account),
    })),
  ].filter((one) => one.sealed.length > 0);
  const old = sealed.filter((one) => !one.sealed.every((text) => deps.vault.isCurrent(text)));
  const lost = await Promise.all(old.map((one) => reencryptApp(deps, one)));
  const count = lost.filter(Boolean).length;
  deps.log.info("vault.resealed", { looked: sealed.length, resealed: old.length - count, lost: count });
  return {
    looked: sealed.length,
    resealed: old.length - count,
    lost: count,
    ...(next !== undefined && { cursor: next }),
  };
}

/** @returns whether it is lost */
async function reencryptApp({ log }: ReencryptDeps, one: { name: object; reseal(): Promise<void> }): Promise<boolean> {
  try {
    await one.reseal();
    return false;
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    log.warn("vault.lost", { ...one.name, error: error.message });
    return true;
  }
}
