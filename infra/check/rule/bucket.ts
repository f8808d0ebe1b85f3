import { UPLOAD } from "../../../packages/core/src/upload.ts";
import { RETENTION_MS } from "../../../packages/store/src/keys.ts";
import { all, type Infra, list, type Policy, type Rule, type Statement, some } from "../model.ts";

/** Returns true if the statement only lets CloudFront distributions of this account read the console's files. */
function isOwnCdn(bucket: string, { Principal, Action, Condition }: Statement): boolean {
  const { Service, ...others } = typeof Principal === "object" ? Principal : { Service: undefined };
  return (
    bucket === "ConsoleSiteBucket" &&
    list(Service).join() === "cloudfront.amazonaws.com" &&
    Object.keys(others).length === 0 &&
    list(Action).join() === "s3:GetObject" &&
    JSON.stringify(Condition).includes('"aws:SourceAccount"')
  );
}

export const bucketsArePrivate: Rule = (infra) =>
  some(infra, "aws:s3/bucket:Bucket").flatMap(({ name, inputs: { bucket } }) => {
    const block = all(infra, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").find(
      ({ inputs }) => inputs.bucket === bucket,
    )?.inputs;
    const isBlocked =
      block?.blockPublicAcls && block.blockPublicPolicy && block.ignorePublicAcls && block.restrictPublicBuckets;
    const allowed = all(infra, "aws:s3/bucketPolicy:BucketPolicy")
      .filter(({ inputs }) => inputs.bucket === bucket)
      .flatMap(({ inputs }) => list((JSON.parse(inputs.policy) as Policy).Statement))
      .filter((statement) => statement.Effect !== "Deny" && !isOwnCdn(name, statement));
    return [
      ...(isBlocked ? [] : [`${name} does not block public access`]),
      ...allowed.map(({ Principal }) => `${name}'s policy gives access to ${JSON.stringify(Principal)}`),
    ];
  });

/** A flow can name an upload on its last usable day, and then needs it as long as other input images. */
const UPLOAD_DAYS = UPLOAD.usableMs / 86_400_000 + 30;

/** Enabled lifecycle rules of a bucket for a prefix. */
function rulesOf(infra: Infra, bucket: string, prefix: string) {
  return all(infra, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    .filter(({ inputs }) => inputs.bucket === bucket)
    .flatMap(({ inputs }) => inputs.rules)
    .filter(({ status, filter }) => status === "Enabled" && filter?.prefix === prefix);
}

/** Buckets with data of flows; the console's bucket belongs to the deployment. */
function blobsOf(infra: Infra) {
  return some(infra, "aws:s3/bucket:Bucket").filter(({ name }) => name !== "ConsoleSiteBucket");
}

/**
 * Lifecycle rules delete inputs after their submission, and images together with their flows.
 */
export const objectsExpire: Rule = (infra) =>
  blobsOf(infra).flatMap(({ name, inputs: { bucket } }) =>
    Object.entries({ "inputs/": 30, "uploads/": UPLOAD_DAYS, "media/": RETENTION_MS / 86_400_000 }).flatMap(
      ([prefix, days]) => {
        const expires = rulesOf(infra, bucket, prefix).some(({ expiration }) => expiration?.days === days);
        return expires ? [] : [`${name} does not keep ${prefix} for ${days} days`];
      },
    ),
  );

/** The parts of an unfinished upload are in no listing, but AWS charges them without end. */
export const uploadsEnd: Rule = (infra) =>
  blobsOf(infra).flatMap(({ name, inputs: { bucket } }) => {
    const ends = rulesOf(infra, bucket, "media/").some(
      ({ abortIncompleteMultipartUpload: abort }) => abort?.daysAfterInitiation === 1,
    );
    return ends ? [] : [`${name} keeps the parts of unfinished uploads`];
  });
