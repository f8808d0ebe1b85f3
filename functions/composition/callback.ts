import { readAnyCallback } from "@mjflow/providers/families/callback";
import { baseDeps, callbackTokens, lazy, together, withAccounts } from "./base.ts";

export const composeCallback = /* @__PURE__ */ lazy(() =>
  withAccounts({
    ...baseDeps("callback"),
    together,
    callbackTokens: callbackTokens(""),
    readCallback: readAnyCallback,
  }),
);
