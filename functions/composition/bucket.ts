/** The bucket: images on their way to a vendor, and our own copies of pictures. */
import type { Media } from "@mjflow/engine/archive";
import type { TileNumber } from "@mjflow/media/tile";
import { createS3Blobs } from "@mjflow/store/blob";
import { Resource } from "sst";
import { bucketEndpoint, lazy } from "./base.ts";
import { outbound } from "./outgoing.ts";

const env = process.env;

/** Most flows carry no image: the S3 client is loaded by those that do. */
const s3 = /* @__PURE__ */ lazy(async () => {
  const [{ S3Client }, url] = await Promise.all([import("@aws-sdk/client-s3"), bucketEndpoint()]);
  // There is no DNS name for a bucket on one's own machine.
  return new S3Client(url === undefined ? {} : { endpoint: url, forcePathStyle: true });
});

export const blobs = /* @__PURE__ */ lazy(() => createS3Blobs({ client: s3, bucket: Resource.Blobs.name }));

/** As large as a vendor's video gets; Lambda's disk holds 512 MB. */
const MEDIA_BYTES = 200 * 1024 * 1024;
/** A grid is decoded in memory. */
const GRID_BYTES = 50 * 1024 * 1024;
// Of five pictures, fetched one after another, within the function's own two minutes.
const MEDIA_TIMEOUT_MS = 20_000;

/** The bucket's own names, for links that S3 signs. */
const bucket = /* @__PURE__ */ lazy(() => ({ client: s3, name: Resource.Blobs.name }));

export const media = /* @__PURE__ */ lazy(
  (): Media => ({
    async copy(request) {
      const { copyToBucket } = await import("@mjflow/media/copy");
      const limits = { maxBytes: MEDIA_BYTES, timeoutMs: MEDIA_TIMEOUT_MS };
      return copyToBucket({ outbound: outbound(), bucket: bucket() }, { ...request, ...limits });
    },
    async tile(request) {
      const { cutToBucket } = await import("@mjflow/media/cut");
      return cutToBucket({ bucket: bucket() }, { ...request, n: request.n as TileNumber, maxBytes: GRID_BYTES });
    },
  }),
);

const OBJECT_URL_S = 900;

/** Where a browser fetches an object, for minutes. */
export async function objectUrl(key: string): Promise<string> {
  const { signedUrl } = await import("@mjflow/media/sign");
  return signedUrl(
    { bucket: bucket(), cdnBaseUrl: env["MJFLOW_CDN_URL"] || undefined },
    { key, expiresS: OBJECT_URL_S },
  );
}
