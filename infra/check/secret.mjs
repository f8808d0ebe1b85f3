/** Test values for secrets. Each is unique, so that a check finds a value in a wrong place. None is a real secret. */
export const SECRETS = {
  HookKey: "value-of-the-hook-key-in-an-evaluation",
  PreviousHookKey: "value-of-the-previous-hook-key-in-an-evaluation",
  VaultKey: "value-of-the-vault-key-in-an-evaluation",
  PreviousVaultKey: "value-of-the-previous-vault-key-in-an-evaluation",
  ApiKey: "value-of-the-api-key-in-an-evaluation",
  TranslateKey: "value-of-the-translate-key-in-an-evaluation",
  Providers: '{"cometapi":{"baseUrl":"https://vendor.example","apiKey":"value-of-the-providers-in-an-evaluation"}}',
};

/** Text that is part of each value and survives quoting. */
export const SECRET_MARK = /value-of-the-[a-z-]+-in-an-evaluation/;
