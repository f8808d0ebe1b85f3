import { all, list, type Policy, type Rule, some } from "../model.ts";

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

/** Nobody deletes an input but this. */
export const inputsExpire: Rule = (infra) =>
  some(infra, "aws:s3/bucket:Bucket").flatMap(({ name, inputs: { bucket } }) => {
    const rules = all(infra, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
      .filter(({ inputs }) => inputs.bucket === bucket)
      .flatMap(({ inputs }) => inputs.rules);
    const expires = rules.some(
      ({ status, filter, expiration }) =>
        status === "Enabled" && filter?.prefix === "inputs/" && expiration?.days === 30,
    );
    return expires ? [] : [`${name} keeps inputs for ever`];
  });
