/** Vendors and their accounts: those of the secret `Providers`, and those that the operator stored. */
import { createVault, type Vault } from "@mjflow/engine/vault";
import { createVendors } from "@mjflow/engine/vendor-accounts";
import { createHttpClient } from "@mjflow/providers/http-client";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { createVendorStore } from "@mjflow/store/vendor";
import { Resource } from "sst";
import { activeKeys, type BaseDeps, clock, lazy, table, timings } from "./base.ts";

const vendorStore = /* @__PURE__ */ lazy(() => createVendorStore(table()));

const vault = /* @__PURE__ */ lazy(() =>
  createVault(activeKeys(Resource.VaultKey.value, Resource.PreviousVaultKey.value)),
);

/** The vault is opened by the first stored account: a stage that has none needs none here. */
const opener: Pick<Vault, "open"> = { open: (sealed, context) => vault().open(sealed, context) };

export function withVendors<T extends BaseDeps>(parts: T) {
  const config = JSON.parse(Resource.Providers.value) as ProvidersConfig;
  const configured = createProviders(config, { httpClient: createHttpClient(), submitTimeoutMs: timings().answerMs });
  const { beliefMs } = timings();
  const known = createVendors({
    configured,
    vendorStore: vendorStore(),
    vault: opener,
    clock,
    log: parts.log,
    cacheTtlMs: beliefMs,
  });
  return { ...parts, vendors: known, providers: known, vendorStore: vendorStore() };
}
