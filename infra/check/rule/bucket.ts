import { RETENTION_MS } from "../../../packages/store/src/keys.ts";
import { all, type Infra, list, type Policy, type Rule, type Statement, some } from "../model.ts";

/** The account whose distributions may read the console's files; of nothing else. */
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

/** What flows put there; the console's files are a deployment's. */
function blobsOf(infra: Infra) {
  return some(infra, "aws:s3/bucket:Bucket").filter(({ name }) => name !== "ConsoleSiteBucket");
}

/** Nobody deletes an object but this: inputs when they have been sent, pictures with the flows that show them. */
export const objectsExpire: Rule = (infra) =>
  blobsOf(infra).flatMap(({ name, inputs: { bucket } }) =>
    Object.entries({ "inputs/": 30, "media/": RETENTION_MS / 86_400_000 }).flatMap(([prefix, days]) => {
      const expires = rulesOf(infra, bucket, prefix).some(({ expiration }) => expiration?.days === days);
      return expires ? [] : [`${name} does not keep ${prefix} for ${days} days`];
    }),
  );

/** Parts of an upload that was never ended are in no listing, and are billed for ever. */
export const uploadsEnd: Rule = (infra) =>
  blobsOf(infra).flatMap(({ name, inputs: { bucket } }) => {
    const ends = rulesOf(infra, bucket, "media/").some(
      ({ abortIncompleteMultipartUpload: abort }) => abort?.daysAfterInitiation === 1,
    );
    return ends ? [] : [`${name} keeps what is left of broken uploads`];
  });
