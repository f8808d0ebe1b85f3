import type { SendMessageBatchCommandInput, SQSClient } from "@aws-sdk/client-sqs";
import { submitMessage } from "@mjflow/core/message";
import { expect, test } from "vitest";
import { createSqsQueue } from "./sqs.ts";

const message = submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0");

/** An SQS queue that accepts an entry if `accepts` returns true for its id and the number of the request. */
function stub(accepts: (id: string, request: number) => boolean) {
  const requests: SendMessageBatchCommandInput[] = [];
  const send = async ({ input }: { input: SendMessageBatchCommandInput }) => {
    requests.push(input);
    return {
      Successful: (input.Entries ?? []).filter(({ Id }) => accepts(Id!, requests.length)).map(({ Id }) => ({ Id })),
    };
  };
  const queue = createSqsQueue({
    client: async () => ({ send }) as unknown as SQSClient,
    urls: { submit: () => "https://queue", deliver: () => "https://deliver", archive: () => "https://archive" },
  });
  return { queue, requests };
}

test("only the entries that a batch request rejected are sent a second time", async () => {
  const { queue, requests } = stub((id, request) => request > 1 || id !== "1");
  await queue.send([{ message }, { message }, { message }]);
  expect(requests.map(({ Entries }) => Entries!.map(({ Id }) => Id))).toEqual([["0", "1", "2"], ["1"]]);
});

test("an entry that is rejected twice is an error", async () => {
  const { queue, requests } = stub((id) => id !== "1");
  await expect(queue.send([{ message }, { message }])).rejects.toMatchObject({ code: "overloaded" });
  expect(requests).toHaveLength(2);
});

test("a message group is sent as MessageGroupId, and a message without one has none", async () => {
  const { queue, requests } = stub(() => true);
  await queue.send([
    { message, group: "cometapi/default" },
    { message, group: "cometapi/default", delayMs: 1 },
    { message },
  ]);
  expect(requests[0]!.Entries!.map(({ MessageGroupId, DelaySeconds }) => [MessageGroupId, DelaySeconds])).toEqual([
    ["cometapi/default", undefined],
    ["cometapi/default", 1],
    [undefined, undefined],
  ]);
});

test("a message that is sent again keeps its group", async () => {
  const { queue, requests } = stub(() => true);
  await queue.resend("{", "app_a");
  await queue.resend("{");
  expect(requests).toEqual([
    { QueueUrl: "https://queue", MessageBody: "{", MessageGroupId: "app_a" },
    { QueueUrl: "https://queue", MessageBody: "{" },
  ]);
});

test("a delay is whole seconds, rounded up, and at most fifteen minutes", async () => {
  const { queue, requests } = stub(() => true);
  await queue.send([
    { message, delayMs: 1 },
    { message, delayMs: 2_000 },
    { message, delayMs: 9_999_999 },
    { message },
  ]);
  expect(requests[0]!.Entries!.map(({ DelaySeconds }) => DelaySeconds)).toEqual([1, 2, 900, undefined]);
});
