import { readAnyCallback } from "@mjflow/providers/families/callback";
import { baseDeps, callbackTokens, lazy, withAccounts } from "./base.ts";

export const composeCallback = /* @__PURE__ */ lazy(() =>
  withAccounts({ ...baseDeps("callback"), callbackTokens: callbackTokens(""), readCallback: readAnyCallback }),
);
