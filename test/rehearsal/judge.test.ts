import http from "node:http";
import { afterEach, expect, test } from "vitest";
import { callsOf, type Fault, grantsOf, startJudge } from "./judge.ts";
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
  [
    { ...s3("POST", "/bucket/?delete="), body: "<Delete><Object><Key>media/a.png</Key></Object></Delete>" },
    "s3:DeleteObject",
    "arn:aws:s3:::bucket/media/a.png",
  ],
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

test("permissions without a use are reported with and without a reason, and reasons that are outdated", () => {
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
  const named = {
    "needs a crash": { Submit: ["dynamodb:UpdateItem TableTable", "s3:GetObject blobsbucket/inputs/*"] },
  };
  expect(unusedPermissions(granted, used, named)).toEqual({
    unused: ["Submit dynamodb:DeleteItem TableTable"],
    reasons: ["Submit dynamodb:UpdateItem TableTable: needs a crash"],
    stale: ["Submit s3:GetObject blobsbucket/inputs/*"],
  });
  expect(shortOf("dynamodb:Query arn:aws:dynamodb:eu-west-1:1:table/mjflow-trial-TableTable-waevafvr/index/due")).toBe(
    "dynamodb:Query TableTable/index/due",
  );
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A judge in front of a server that knows no object and accepts each message. */
async function judgeOf(statements: { Action: string; Resource: string }[]) {
  let messages = 0;
  const server = http.createServer((request, response) => {
    const isMessage = request.headers["x-amz-target"] === "AmazonSQS.SendMessage";
    response.writeHead(isMessage ? 200 : 404).end(isMessage ? `{"MessageId":"m${++messages}"}` : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const policy = statements.map((statement) => ({ Effect: "Allow", ...statement }));
  const judge = await startJudge(url, new Map([["Submit", policy]]), SCOPE);
  closing.push(judge.stop, () => server.close());
  const authorization = "AWS4-HMAC-SHA256 Credential=Submit/20260101/eu-west-1/x/aws4_request";
  return {
    judge,
    received: () => messages,
    get: () => fetch(`${judge.url}/b/inputs/a.png`, { headers: { authorization } }),
    send: (trace?: string) =>
      fetch(judge.url, {
        method: "POST",
        headers: { authorization, "x-amz-target": "AmazonSQS.SendMessage", ...(trace && { "x-amzn-trace-id": trace }) },
        body: JSON.stringify({ QueueUrl: "http://q/1/submit", MessageBody: "{}" }),
      }),
  };
}

const GET = { Action: "s3:GetObject", Resource: "arn:aws:s3:::b/inputs/*" };
const SEND = { Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-west-1:1:submit" };

test("a missing object is missing only for a role that may list the bucket", async () => {
  const without = await judgeOf([GET]);
  expect((await without.get()).status).toBe(403);
  expect(without.judge.denied).toEqual(["Submit s3:ListBucket arn:aws:s3:::b"]);
  const listing = await judgeOf([GET, { Action: "s3:ListBucket", Resource: "arn:aws:s3:::b" }]);
  expect((await listing.get()).status).toBe(404);
  expect(listing.judge.denied).toEqual([]);
});

test("a message has the trace with which it was sent, and a message without one has none", async () => {
  const { judge, send } = await judgeOf([SEND]);
  await send("Root=1-2-3;Lineage=1:abc:4");
  await send();
  expect([judge.traceOf("m1"), judge.traceOf("m2")]).toEqual(["Root=1-2-3;Lineage=1:abc:4", undefined]);
});

test("a fault meets the named calls of one function, after those that pass", async () => {
  const { judge, send, received } = await judgeOf([SEND]);
  const fault: Fault = {
    name: "Submit",
    action: "sqs:SendMessage",
    resource: "submit",
    after: 1,
    times: 1,
    effect: "fail",
  };
  const armed = judge.arm(fault);
  judge.arm({ ...fault, name: "Api" });
  expect([(await send()).status, (await send()).status, (await send()).status]).toEqual([200, 503, 200]);
  expect([armed.fired, received()]).toEqual([1, 2]);
  judge.arm({ ...fault, after: 0, effect: "lose" });
  expect((await send()).status).toBe(200);
  expect(received()).toBe(2);
});

test("a request that deletes several objects needs the permission for each of them", () => {
  const body = "<Delete><Object><Key>media/a.png</Key></Object><Object><Key>inputs/b.png</Key></Object></Delete>";
  expect(callsOf({ ...s3("POST", "/b?delete"), body }, SCOPE).map(({ arn }) => arn)).toEqual([
    "arn:aws:s3:::b/media/a.png",
    "arn:aws:s3:::b/inputs/b.png",
  ]);
});
