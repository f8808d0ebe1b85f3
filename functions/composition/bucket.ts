/** The bucket. It stores the input images of submissions and the archived copies of result images. */
import { MjflowError } from "@mjflow/core/error";
import type { ReducedImage, UploadVersion } from "@mjflow/core/port";
import type { Media } from "@mjflow/engine/archive";
import type { Objects } from "@mjflow/engine/delete-flow";
import type { TileNumber } from "@mjflow/media/tile";
import { createS3Blobs } from "@mjflow/store/blob";
import { Resource } from "sst/resource";
import { bucketEndpoint, lazy, lazyAsync } from "./base.ts";
import { outbound } from "./outgoing.ts";

const env = process.env;

/** The S3 client is loaded at its first use, because most flows have no input images. */
const s3 = /* @__PURE__ */ lazyAsync(async () => {
  const [{ S3Client }, url] = await Promise.all([import("@aws-sdk/client-s3"), bucketEndpoint()]);
  // A local bucket has no DNS name of its own, so its name is in the path.
  return new S3Client(url === undefined ? {} : { endpoint: url, forcePathStyle: true });
});

export const blobs = /* @__PURE__ */ lazy(() => createS3Blobs({ client: s3, bucket: Resource.Blobs.name }));

/** Enough for the largest videos of the vendors. The disk of a Lambda function has 512 MB. */
const MEDIA_BYTES = 200 * 1024 * 1024;
/** Limit of a grid from which a tile is cut. The grid is decoded in memory. */
const GRID_BYTES = 50 * 1024 * 1024;
/** Timeout of one image. Up to five images are fetched one after another within the two minutes of the function. */
const MEDIA_TIMEOUT_MS = 20_000;

/** The bucket as packages/media needs it. */
export const bucket = /* @__PURE__ */ lazy(() => ({ client: s3, name: Resource.Blobs.name }));

/**
 * The bucket at the address for clients, for signed URLs. Only the local server sets `MJFLOW_BUCKET_URL`: its object store
 * listens on this machine alone, so the server itself passes signed requests on.
 */
export const publicBucket = /* @__PURE__ */ lazy(() => {
  const endpoint = env["MJFLOW_BUCKET_URL"] || undefined;
  const client = lazyAsync(async () => {
    const [{ S3Client }, url] = await Promise.all([import("@aws-sdk/client-s3"), endpoint ?? bucketEndpoint()]);
    // By default the SDK signs the checksum of an empty body into the URL of an upload, and S3 would reject every image.
    const requestChecksumCalculation = "WHEN_REQUIRED";
    return new S3Client({
      requestChecksumCalculation,
      ...(url !== undefined && { endpoint: url, forcePathStyle: true }),
    });
  });
  return { client, name: Resource.Blobs.name };
});

/** Only the function that has the image library uses it. */
export const reduceUpload = /* @__PURE__ */ lazy(() => async (upload: UploadVersion): Promise<ReducedImage> => {
  const { reduceToBucket } = await import("@mjflow/media/reduce");
  return reduceToBucket({ bucket: bucket() }, upload);
});

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

/** The objects of a deleted flow. */
export const objects = /* @__PURE__ */ lazy(
  (): Objects => ({
    async deleteAll(prefix) {
      const { deleteAll } = await import("@mjflow/media/bucket");
      await deleteAll(bucket(), prefix).catch((error: unknown) => {
        const { code } = error as { code?: string };
        throw code === "unavailable" ? new MjflowError("overloaded", { cause: error }) : error;
      });
    },
  }),
);

const OBJECT_URL_S = 900;

/**
 * The URL where a browser or a vendor fetches an object. A signed URL is valid for 7.5 to 15 minutes; a CDN URL does not expire.
 */
export async function objectUrl(key: string): Promise<string> {
  const { signedUrl } = await import("@mjflow/media/sign");
  // The CDN reads only archived images.
  const cdnBaseUrl = key.startsWith("media/") ? env["MJFLOW_CDN_URL"] || undefined : undefined;
  return signedUrl({ bucket: publicBucket(), cdnBaseUrl }, { key, expiresS: OBJECT_URL_S });
}
