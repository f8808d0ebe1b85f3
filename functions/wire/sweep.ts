import { base, once, random, withAccounts } from "./base.ts";
import { hookStore } from "./outgoing.ts";
import { withVendors } from "./vendor.ts";

export const wireSweep = /* @__PURE__ */ once(() =>
  withAccounts({ ...withVendors(base("sweep")), random, hookStore: hookStore() }),
);
