/**
 * The bucket holds images of requests (`inputs/`), images that apps upload (`uploads/`) and archived copies of result images
 * (`media/`), nothing else.
 */
import { UPLOAD } from "../packages/core/src/upload.ts";
import { environment } from "./setting.ts";
import { stage } from "./stage.ts";

const origins = (environment.api["MJFLOW_CORS_ORIGINS"] ?? "").split(",").filter((origin) => origin !== "");

export const blobs = new sst.aws.Bucket("Blobs", {
  lifecycle: [
    // 30 days are weeks more than a flow can wait. No function reads an input after its task was submitted.
    { id: "inputs", prefix: "inputs/", expiresIn: "30 days" },
    { id: "media", prefix: "media/", expiresIn: `${stage.mediaDays} days` },
    // A flow that names an upload on the last day has its images as long as a flow with images in its request.
    { id: "uploaded", prefix: "uploads/", expiresIn: `${UPLOAD.usableMs / 86_400_000 + 30} days` },
  ],
  // Pages of these origins may send uploads. By default SST would allow everything to every web page.
  cors: origins.length > 0 && { allowOrigins: origins, allowMethods: ["PUT"], allowHeaders: ["content-type"] },
  transform: {
    cors(args) {
      // The signature of a link is the right to read, so a page that has the link may read. A browser that comes here by the redirect
      // of the API hides the origin of its page, so no origin can be named.
      const read = { allowedMethods: ["GET"], allowedOrigins: ["*"] };
      args.corsRules = $output(args.corsRules).apply((rules) => [...rules, read]);
    },
    lifecycle(args) {
      // A worker that crashes during the upload of a large image leaves parts. No listing shows them, but AWS charges
      // them.
      const uploads = {
        id: "uploads",
        status: "Enabled",
        filter: { prefix: "media/" },
        abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
      };
      args.rules = $output(args.rules).apply((rules) => [...(rules ?? []), uploads]);
    },
  },
});

const inputs = [$interpolate`${blobs.arn}/inputs/*`];
const uploads = [$interpolate`${blobs.arn}/uploads/*`];
const media = [$interpolate`${blobs.arn}/media/*`];

/** Without this permission S3 answers 403 for a missing object, and the code could not distinguish the two cases. */
const list = { actions: ["s3:ListBucket"], resources: [blobs.arn] };

export const inputsWrite = { actions: ["s3:PutObject"], resources: inputs };

export const inputsRead = [{ actions: ["s3:GetObject"], resources: inputs }, list];

/** The function signs the URLs with which apps send images and vendors fetch them, and it reads images for vendors without links. */
export const uploadAccess = [{ actions: ["s3:GetObject", "s3:PutObject"], resources: uploads }, list];

/** Only the API deletes objects, together with their flow. */
export const flowDelete = { actions: ["s3:DeleteObject"], resources: [...inputs, ...media] };

/** A link signed by a function gives access only to what the role of the function allows. */
export const mediaRead = { actions: ["s3:GetObject"], resources: media };

export const mediaWrite = [
  { actions: ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], resources: media },
  list,
];
