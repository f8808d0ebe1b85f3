import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
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
    imageRoom: createImageSemaphore(IMAGES_AT_ONCE),
    random,
    callbackTokens: hooks(Resource.Callback.url),
  }),
);
