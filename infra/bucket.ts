/** The bucket holds images of requests (`inputs/`) and archived copies of result images (`media/`), nothing else. */
import { stage } from "./stage.ts";

export const blobs = new sst.aws.Bucket("Blobs", {
  lifecycle: [
    // 30 days are weeks more than a flow can wait. No function reads an input after its task was submitted.
    { id: "inputs", prefix: "inputs/", expiresIn: "30 days" },
    { id: "media", prefix: "media/", expiresIn: `${stage.mediaDays} days` },
  ],
  // By default SST allows every web page to read the bucket, given credentials. Only functions read it.
  cors: false,
  transform: {
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
const media = [$interpolate`${blobs.arn}/media/*`];

/** Without this permission S3 answers 403 for a missing object, and the code could not distinguish the two cases. */
const list = { actions: ["s3:ListBucket"], resources: [blobs.arn] };

export const inputsWrite = { actions: ["s3:PutObject"], resources: inputs };

export const inputsRead = [{ actions: ["s3:GetObject"], resources: inputs }, list];

/** A link signed by a function gives access only to what the role of the function allows. */
export const mediaRead = { actions: ["s3:GetObject"], resources: media };

export const mediaWrite = [
  { actions: ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], resources: media },
  list,
];
