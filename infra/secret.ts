/** Set with `sst secret set <Name> <value>`. They travel encrypted, inside the bundle of the functions that link them. */

/** Signs callback addresses: at least 32 random characters. Without a value nothing deploys. */
export const callbackTokenKey = new sst.Secret("HookKey");

/** During a rotation the key before, so that addresses signed with it are still believed; empty at all other times. */
export const previousCallbackTokenKey = new sst.Secret("PreviousHookKey", "");

/** Seals endpoints' secrets and vendors' keys in the table, and signs links to pictures: at least 32 random characters. */
export const vaultKey = new sst.Secret("VaultKey");

/** The key before, for as long as anything sealed or signed with it is in use; empty at all other times. */
export const previousVaultKey = new sst.Secret("PreviousVaultKey", "");

/** What the operator shows to use the API. */
export const apiKey = new sst.Secret("ApiKey");

/** JSON, from a provider's id to its one account `{"baseUrl": "…", "apiKey": "…"}`, or `{"accounts": {"<name>": {…}}}`. */
export const providers = new sst.Secret("Providers");
