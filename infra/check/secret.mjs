/** Values for an evaluation, each unlike anything else, so that one in the wrong place is found. Not one is a secret. */
export const SECRETS = {
  HookKey: "value-of-the-hook-key-in-an-evaluation",
  PreviousHookKey: "value-of-the-previous-hook-key-in-an-evaluation",
  ApiKey: "value-of-the-api-key-in-an-evaluation",
  Providers: '{"value-of-the-providers-in-an-evaluation":{"baseUrl":"https://vendor.example","apiKey":"none"}}',
};
