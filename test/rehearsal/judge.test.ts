import { expect, test } from "vitest";
import { callsOf, grantsOf } from "./judge.ts";
import { shortOf, unusedPermissions } from "./unused.ts";

const SCOPE = "eu-west-1:1";
const dynamo = (operation: string, body: object) => ({
  method: "POST",
  url: "/",
  target: `DynamoDB_20120810.${operation}`,
  body: JSON.stringify(body),
});
const s3 = (method: string, url: string) => ({ method, url, target: undefined, body: "" });

test.each([
  [dynamo("GetItem", { TableName: "t" }), "dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:1:table/t"],
  [
    dynamo("Query", { TableName: "t", IndexName: "due" }),
    "dynamodb:Query",
    "arn:aws:dynamodb:eu-west-1:1:table/t/index/due",
  ],
  [
    dynamo("BatchGetItem", { RequestItems: { t: {} } }),
    "dynamodb:BatchGetItem",
    "arn:aws:dynamodb:eu-west-1:1:table/t",
  ],
  [
    {
      method: "POST",
      url: "/",
      target: "AmazonSQS.SendMessageBatch",
      body: '{"QueueUrl":"http://127.0.0.1:1/1/submit"}',
    },
    "sqs:SendMessage",
    "arn:aws:sqs:eu-west-1:1:submit",
  ],
  [s3("GET", "/bucket/media/a%20b.png?x=1"), "s3:GetObject", "arn:aws:s3:::bucket/media/a b.png"],
  [s3("POST", "/bucket/media/a.png?uploads="), "s3:PutObject", "arn:aws:s3:::bucket/media/a.png"],
  [s3("DELETE", "/bucket/media/a.png?uploadId=1"), "s3:AbortMultipartUpload", "arn:aws:s3:::bucket/media/a.png"],
  [s3("DELETE", "/bucket/media/a.png"), "s3:DeleteObject", "arn:aws:s3:::bucket/media/a.png"],
  [s3("GET", "/bucket?list-type=2"), "s3:ListBucket", "arn:aws:s3:::bucket"],
])("the request %o needs %s on %s", (request, action, arn) => {
  expect(callsOf(request, SCOPE)).toEqual([{ action, arn }]);
});

test("a call is allowed only by a statement with its action and its resource", () => {
  const policy = [{ Effect: "Allow", Action: ["s3:GetObject"], Resource: "arn:aws:s3:::b/media/*" }];
  expect(grantsOf(policy, { action: "s3:GetObject", arn: "arn:aws:s3:::b/media/a.png" })).toEqual([
    "s3:GetObject arn:aws:s3:::b/media/*",
  ]);
  expect(grantsOf(policy, { action: "s3:GetObject", arn: "arn:aws:s3:::b/inputs/a.png" })).toEqual([]);
  expect(grantsOf(policy, { action: "s3:PutObject", arn: "arn:aws:s3:::b/media/a.png" })).toEqual([]);
});

test("a call of an unknown service is an error, so that no permission is overlooked", () => {
  expect(() => callsOf({ method: "POST", url: "/", target: "AWSSecurity.Call", body: "{}" }, SCOPE)).toThrow(
    "AWSSecurity",
  );
});

test("a permission without a use and without a reason is reported by its short name", () => {
  const granted = new Map([
    [
      "Submit",
      [
        "dynamodb:DeleteItem arn:aws:dynamodb:eu-west-1:1:table/mjflow-trial-TableTable-waevafvr",
        "dynamodb:UpdateItem arn:aws:dynamodb:eu-west-1:1:table/mjflow-trial-TableTable-waevafvr",
        "s3:GetObject arn:aws:s3:::mjflow-trial-blobsbucket-waevafvr/inputs/*",
      ],
    ],
  ]);
  const used = new Map([["Submit", new Set([granted.get("Submit")![2]!])]]);
  expect(unusedPermissions(granted, used)).toEqual(["Submit dynamodb:DeleteItem TableTable"]);
  expect(shortOf("dynamodb:Query arn:aws:dynamodb:eu-west-1:1:table/mjflow-trial-TableTable-waevafvr/index/due")).toBe(
    "dynamodb:Query TableTable/index/due",
  );
});
