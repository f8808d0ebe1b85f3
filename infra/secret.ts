/**
 * Secrets, set with `sst secret set <Name> <value>`. SST encrypts them in the bundles of the functions that link them.
 */

/** The key that signs callback tokens: at least 32 random characters. Without a value the deployment fails. */
export const callbackTokenKey = new sst.Secret("HookKey");

/** The previous callback token key, set only during a rotation: tokens signed with it stay valid. Otherwise empty. */
export const previousCallbackTokenKey = new sst.Secret("PreviousHookKey", "");

/**
 * The key that encrypts endpoint secrets and vendor API keys in the table, and signs image links: at least 32 random
 * characters.
 */
export const vaultKey = new sst.Secret("VaultKey");

/** The previous vault key, set as long as anything encrypted or signed with it is in use. Otherwise empty. */
export const previousVaultKey = new sst.Secret("PreviousVaultKey", "");

/** The API key of the translator of prompts. Empty: there is none, or it needs no key. */
export const translateKey = new sst.Secret("TranslateKey", "");

/** The operator key of the API. */
export const apiKey = new sst.Secret("ApiKey");

/**
 * The vendor accounts, a JSON object by provider id. A value is one account `{"baseUrl": "…", "apiKey": "…"}`, or
 * `{"accounts": {"<name>": {…}}}`.
 */
export const providers = new sst.Secret("Providers");
