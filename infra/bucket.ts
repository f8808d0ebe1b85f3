/** Images on their way to a vendor, below `inputs/`, and our copies of vendors' pictures, below `media/`; nothing else. */
import { stage } from "./stage.ts";

export const blobs = new sst.aws.Bucket("Blobs", {
  lifecycle: [
    // Outlives every wait of a flow by weeks; nobody reads an input after its task has been sent.
    { id: "inputs", prefix: "inputs/", expiresIn: "30 days" },
    { id: "media", prefix: "media/", expiresIn: `${stage.mediaDays} days` },
  ],
  // SST would let every website read it, given credentials; only functions do.
  cors: false,
  transform: {
    lifecycle(args) {
      // A worker that died in the middle of a large picture leaves parts that nobody sees, and AWS bills.
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

/** Without it S3 says "forbidden" of what is absent, and the code could not tell the two apart. */
const list = { actions: ["s3:ListBucket"], resources: [blobs.arn] };

export const inputsWrite = { actions: ["s3:PutObject"], resources: inputs };

export const inputsRead = [{ actions: ["s3:GetObject"], resources: inputs }, list];

/** Links that a function signs open what its own role may. */
export const mediaRead = { actions: ["s3:GetObject"], resources: media };

export const mediaWrite = [
  { actions: ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], resources: media },
  list,
];
