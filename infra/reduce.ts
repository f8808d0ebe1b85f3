/**
 * Scales uploads down for vendors that take no links. The API calls it and waits. It has no secret, no table and no queue: an image that
 * an app sent is decoded here, by native code.
 */
import { FUNCTION_TIMEOUT_S } from "../packages/core/src/limit.ts";
import { blobs, uploadAccess } from "./bucket.ts";
import { nodejs } from "./bundle-option.ts";

export const reduce = new sst.aws.Function("Reduce", {
  handler: "functions/reduce.handler",
  timeout: `${FUNCTION_TIMEOUT_S.reduce} seconds`,
  // An upload of 64 MB, and at most 512 MB of its pixels. The rest is for CPU time, which Lambda assigns by memory.
  memory: "1536 MB",
  nodejs: { ...nodejs, install: ["sharp"] },
  link: [blobs],
  permissions: uploadAccess,
});

/** Only the API calls it. */
export const reduceCall = { actions: ["lambda:InvokeFunction"], resources: [reduce.arn] };
