import { KEPT_MS } from "../../../packages/store/src/keys.ts";
import { all, type Infra, list, type Policy, type Rule, some } from "../model.ts";

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
      .filter(({ Effect }) => Effect !== "Deny");
    return [
      ...(isBlocked ? [] : [`${name} does not block public access`]),
      ...allowed.map(({ Principal }) => `${name}'s policy lets ${JSON.stringify(Principal)} in`),
    ];
  });

/** Days after which what is below a prefix goes, in each bucket. */
function rulesOf(infra: Infra, bucket: string, prefix: string) {
  return all(infra, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    .filter(({ inputs }) => inputs.bucket === bucket)
    .flatMap(({ inputs }) => inputs.rules)
    .filter(({ status, filter }) => status === "Enabled" && filter?.prefix === prefix);
}

/** Nobody deletes an object but this: inputs when they have been sent, pictures with the flows that show them. */
export const objectsExpire: Rule = (infra) =>
  some(infra, "aws:s3/bucket:Bucket").flatMap(({ name, inputs: { bucket } }) =>
    Object.entries({ "inputs/": 30, "media/": KEPT_MS / 86_400_000 }).flatMap(([prefix, days]) => {
      const expires = rulesOf(infra, bucket, prefix).some(({ expiration }) => expiration?.days === days);
      return expires ? [] : [`${name} does not keep ${prefix} for ${days} days`];
    }),
  );

/** Parts of an upload that was never ended are in no listing, and are billed for ever. */
export const uploadsEnd: Rule = (infra) =>
  some(infra, "aws:s3/bucket:Bucket").flatMap(({ name, inputs: { bucket } }) => {
    const ends = rulesOf(infra, bucket, "media/").some(
      ({ abortIncompleteMultipartUpload: abort }) => abort?.daysAfterInitiation === 1,
    );
    return ends ? [] : [`${name} keeps what is left of broken uploads`];
  });
