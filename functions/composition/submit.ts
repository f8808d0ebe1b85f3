import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
import { Resource } from "sst";
import { baseDeps, callbackTokens, lazy, random, withAccounts } from "./base.ts";
import { blobs } from "./bucket.ts";
import { withVendors } from "./vendor.ts";

/** A request with 6 MB of images takes about 40 MB while it is sent (measured); the function has 256 in all. */
const MAX_CONCURRENT_IMAGES = 2;

export const composeSubmit = /* @__PURE__ */ lazy(() =>
  withAccounts({
    ...withVendors(baseDeps("submit")),
    blobs: blobs(),
    imageSemaphore: createImageSemaphore(MAX_CONCURRENT_IMAGES),
    random,
    callbackTokens: callbackTokens(Resource.Callback.url),
  }),
);
