/** Vendors and vendor accounts: those of the secret `Providers`, and those that the operator stored. */
import { createVault, type Vault } from "@mjflow/engine/vault";
import { createVendors } from "@mjflow/engine/vendor-accounts";
import { createHttpClient } from "@mjflow/providers/http-client";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { createVendorStore } from "@mjflow/store/vendor";
import { Resource } from "sst/resource";
import { activeKeys, type BaseDeps, clock, lazy, table, timings } from "./base.ts";

const vendorStore = /* @__PURE__ */ lazy(() => createVendorStore(table()));

const vault = /* @__PURE__ */ lazy(() =>
  createVault(activeKeys(Resource.VaultKey.value, Resource.PreviousVaultKey.value)),
);

/** Builds the vault with the first stored account. A deployment without stored accounts needs no vault here. */
const lazyVault: Pick<Vault, "open"> = { open: (sealed, context) => vault().open(sealed, context) };

export function withVendors<T extends BaseDeps>(parts: T) {
  const config = JSON.parse(Resource.Providers.value) as ProvidersConfig;
  const configured = createProviders(config, { httpClient: createHttpClient(), submitTimeoutMs: timings().answerMs });
  const { beliefMs } = timings();
  const vendors = createVendors({
    configured,
    vendorStore: vendorStore(),
    vault: lazyVault,
    clock,
    log: parts.log,
    cacheTtlMs: beliefMs,
  });
  return { ...parts, vendors, providers: vendors, vendorStore: vendorStore() };
}
