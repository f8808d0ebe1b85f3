import { baseDeps, callbackTokens, lazy, withAccounts } from "./base.ts";

export const composeCallback = /* @__PURE__ */ lazy(() =>
  withAccounts({ ...baseDeps("callback"), callbackTokens: callbackTokens("") }),
);
