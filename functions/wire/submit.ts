import { Resource } from "sst";
import { base, hooks, once, random, withAccounts } from "./base.ts";
import { blobs } from "./bucket.ts";
import { withVendors } from "./vendor.ts";

export const wireSubmit = /* @__PURE__ */ once(() =>
  withAccounts({
    ...withVendors(base("submit")),
    blobs: blobs(),
    random,
    hooks: hooks(Resource.Callback.url),
  }),
);
