import { createCallLimit } from "@mjflow/engine/call-slots";
import { createConcurrencyLimiter } from "@mjflow/engine/concurrency-limiter";
import { createImageSemaphore } from "@mjflow/engine/image-semaphore";
import { Resource } from "sst/resource";
import { baseDeps, callbackTokens, lazy, sleep, withAccounts } from "./base.ts";
import { blobs } from "./bucket.ts";
import { withVendors } from "./vendor.ts";

const env = process.env;

/**
 * Requests with images that are sent at one time. A request with 5 MB of images, which are 7 MB as data URIs, needs about 47 MB of memory
 * while it is sent. The deployed function has 192 MB. Its process uses up to 130 MB without images and 171 MB with one such request
 * (`node test/cost/submit.ts`). Two requests of 6 MB used 206 MB. A local server has more memory.
 */
const CONCURRENT_IMAGES = { function: 1, local: 4 };

export const composeSubmit = /* @__PURE__ */ lazy(() => {
  const parts = withAccounts(withVendors(baseDeps("submit")));
  const workers = Number(env["MJFLOW_SUBMIT_WORKERS"]);
  const isDeployed = env["AWS_LAMBDA_FUNCTION_NAME"] !== undefined;
  return {
    ...parts,
    limiter: createConcurrencyLimiter(parts),
    // The local server sets no number: its queue gives one account a quarter of its workers.
    callLimit: workers > 0 ? createCallLimit(workers) : undefined,
    blobs: blobs(),
    imageSemaphore: createImageSemaphore(CONCURRENT_IMAGES[isDeployed ? "function" : "local"]),
    // Unset: the callback handler's own address.
    callbackTokens: callbackTokens(env["MJFLOW_CALLBACK_URL"] || Resource.Callback.url),
    wait: sleep,
  };
});
