/** The images of requests. Only the API has them: it also calls the function that scales them down. */
import type { InputImages } from "@mjflow/core/port";
import { lazy, lazyAsync } from "./base.ts";
import { bucket, publicBucket } from "./bucket.ts";
import { callReduce } from "./call-reduce.ts";
import { outbound } from "./outgoing.ts";

export const images = /* @__PURE__ */ lazy((): InputImages => {
  const load = lazyAsync(async () => {
    const { createInputImages } = await import("@mjflow/media/input");
    const parts = { bucket: bucket(), signing: publicBucket(), outbound: outbound(), reduce: callReduce };
    return createInputImages(parts);
  });
  return {
    presign: async (upload) => (await load()).presign(upload),
    findUpload: async (key) => (await load()).findUpload(key),
    readUpload: async (key, maxBytes) => (await load()).readUpload(key, maxBytes),
    reduceUpload: async (upload) => (await load()).reduceUpload(upload),
    readLink: async (url, maxBytes) => (await load()).readLink(url, maxBytes),
  };
});
