/** Images on their way to a vendor; `packages/store/src/blob.ts` writes below `inputs/`, and nothing else is stored. */

export const blobs = new sst.aws.Bucket("Blobs", {
  // Outlives every wait of a flow by weeks; nobody reads an input after its task has been sent.
  lifecycle: [{ id: "inputs", prefix: "inputs/", expiresIn: "30 days" }],
  // SST would let every website read it, given credentials; only functions do.
  cors: false,
});

const objects = [$interpolate`${blobs.arn}/inputs/*`];

export const blobsWrite = { actions: ["s3:PutObject"], resources: objects };

export const blobsRead = [
  { actions: ["s3:GetObject"], resources: objects },
  // Without it S3 says "forbidden" of what is absent, and the store could not tell the two apart.
  { actions: ["s3:ListBucket"], resources: [blobs.arn] },
];
