import { baseDeps, lazy, random, withAccounts } from "./base.ts";
import { hookStore } from "./outgoing.ts";
import { withVendors } from "./vendor.ts";

export const composeSweep = /* @__PURE__ */ lazy(() =>
  withAccounts({ ...withVendors(baseDeps("sweep")), random, hookStore: hookStore() }),
);
