import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Infra } from "../../infra/check/model.ts";
import { browserFetch } from "./console-site.ts";
import { createResources, removeResources, unnamed } from "./resource.ts";

const GUIDE = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");

test("what the guide names may remain after a removal, and nothing else", () => {
  const left = [
    "aws:s3/bucket:Bucket sst-state",
    "aws:s3/bucket:Bucket sst-asset-abcdef",
    "aws:ssm/parameter:Parameter /sst/passphrase/mjflow/trial",
    "aws:s3/bucket:Bucket mjflow-trial-blobsbucket-waevafvr",
    "aws:iam/role:Role mjflow-trial-ApiRole-waevafvr",
    "aws:s3/bucket:Bucket sst-statements",
  ];
  expect(unnamed(left, GUIDE)).toEqual(left.slice(3));
  expect(unnamed(left, "a guide without a section about removal")).toEqual(left);
});

test("a type of resource that the rehearsal does not know stops it", async () => {
  const infra = { resources: [{ type: "aws:kms/key:Key", name: "Key", inputs: {} }] } as unknown as Infra;
  await expect(createResources({} as never, infra, "")).rejects.toThrow("aws:kms/key:Key");
});

test("a removal is in reverse order, empties only buckets with forceDestroy, and keeps what is retained", async () => {
  const calls: string[] = [];
  const aws = {
    rest: async (_: string, method: string, path: string) => {
      calls.push(`${method} ${path}`);
      return "<Key>inputs/a b</Key>";
    },
    json: async (_: string, target: string) => {
      calls.push(target);
      return {};
    },
  };
  const resource = (type: string, inputs: object, retainOnDelete = false) => ({
    type,
    name: "",
    inputs,
    retainOnDelete,
  });
  const resources = [
    resource("aws:dynamodb/table:Table", { name: "t" }),
    resource("aws:s3/bucket:Bucket", { bucket: "full", forceDestroy: true }),
    resource("aws:s3/bucket:Bucket", { bucket: "kept" }, true),
    resource("aws:s3/bucket:Bucket", { bucket: "own" }),
  ];
  await removeResources(aws as never, { resources } as unknown as Infra);
  expect(calls).toEqual([
    "DynamoDB_20120810.DeleteTable",
    "DELETE /own",
    "GET /full?list-type=2",
    "DELETE /full/inputs/a%20b",
    "DELETE /full",
  ]);
});

test("a page reaches only the origins of its policy", async () => {
  const page = { origin: "https://console.example", policy: "connect-src 'self' https://api.example", places: {} };
  await expect(browserFetch(page)("https://stream.example/v1")).rejects.toThrow("connect-src forbids");
  await expect(browserFetch(page)("https://api.example/v1")).rejects.toThrow("nothing is at https://api.example");
});
