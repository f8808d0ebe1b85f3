import { base, hooks, once, withAccounts } from "./base.ts";

export const wireCallback = /* @__PURE__ */ once(() =>
  withAccounts({ ...base("callback"), callbackTokens: hooks("") }),
);
