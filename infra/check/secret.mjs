/** Values for an evaluation, each unlike anything else, so that one in the wrong place is found. Not one is a secret. */
export const SECRETS = {
  HookKey: "value-of-the-hook-key-in-an-evaluation",
  PreviousHookKey: "value-of-the-previous-hook-key-in-an-evaluation",
  VaultKey: "value-of-the-vault-key-in-an-evaluation",
  PreviousVaultKey: "value-of-the-previous-vault-key-in-an-evaluation",
  ApiKey: "value-of-the-api-key-in-an-evaluation",
  Providers: '{"cometapi":{"baseUrl":"https://vendor.example","apiKey":"value-of-the-providers-in-an-evaluation"}}',
};

/** What is in each of them, however it was quoted on its way. */
export const SECRET_MARK = /value-of-the-[a-z-]+-in-an-evaluation/;
