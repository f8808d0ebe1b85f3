import { createImageRoom } from "@mjflow/engine/image-room";
import { Resource } from "sst";
import { base, hooks, once, random, withAccounts } from "./base.ts";
import { blobs } from "./bucket.ts";
import { withVendors } from "./vendor.ts";

/** A request with 6 MB of images takes about 40 MB while it is sent (measured); the function has 256 in all. */
const IMAGES_AT_ONCE = 2;

export const wireSubmit = /* @__PURE__ */ once(() =>
  withAccounts({
    ...withVendors(base("submit")),
    blobs: blobs(),
    imageRoom: createImageRoom(IMAGES_AT_ONCE),
    random,
    hooks: hooks(Resource.Callback.url),
  }),
);
