import { baseDeps, lazy, random, withAccounts } from "./base.ts";
import { webhookStore } from "./outgoing.ts";
import { withVendors } from "./vendor.ts";

export const composeSweep = /* @__PURE__ */ lazy(() =>
  withAccounts({ ...withVendors(baseDeps("sweep")), random, webhookStore: webhookStore() }),
);
