import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { queueClient } from "../../../../test/support/emulator/client.ts";
import { cleanUp, createTempFolder } from "../../test/test-folder.ts";
import { bucketClient } from "./client.ts";
import { startQueueEngine } from "./queue.ts";

async function start(dataDir?: string) {
  const engine = await startQueueEngine({ dataDir });
  const queues = queueClient(engine.endpoint);
  const buckets = bucketClient(engine.endpoint);
  const stop = async () => {
    queues.destroy();
    buckets.destroy();
    await engine.stop();
  };
  cleanUp.push(stop);
  return { ...engine, queues, buckets };
}

test("messages and objects survive a stop and a start", async () => {
  const dataDir = createTempFolder();
  const first = await start(dataDir);
  const { QueueUrl } = await first.queues.send(new CreateQueueCommand({ QueueName: "submit" }));
  await first.queues.send(new SendMessageCommand({ QueueUrl, MessageBody: "kept" }));
  await first.buckets.send(new CreateBucketCommand({ Bucket: "inputs" }));
  await first.buckets.send(new PutObjectCommand({ Bucket: "inputs", Key: "a", Body: "kept too" }));
  await cleanUp.pop()!();
  const again = await start(dataDir);
  const { Messages } = await again.queues.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.[0]?.Body).toBe("kept");
  const object = await again.buckets.send(new GetObjectCommand({ Bucket: "inputs", Key: "a" }));
  expect(await object.Body?.transformToString()).toBe("kept too");
});

test("acknowledged messages survive kill -9 of the process", async () => {
  const dataDir = createTempFolder();
  const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    const { startQueueEngine } = await import(${here("./queue.ts")});
    const { queueClient } = await import(${here("../../../../test/support/emulator/client.ts")});
    const { CreateQueueCommand, SendMessageCommand } = await import(${JSON.stringify(import.meta.resolve("@aws-sdk/client-sqs"))});
    const client = queueClient((await startQueueEngine({ dataDir: ${JSON.stringify(dataDir)} })).endpoint);
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "submit" }));
    for (let i = 0; i < 20; i++) await client.send(new SendMessageCommand({ QueueUrl, MessageBody: String(i) }));
    process.kill(process.pid, "SIGKILL");`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
  expect(signal).toBe("SIGKILL");
  const { queues } = await start(dataDir);
  const { QueueUrl } = await queues.send(new GetQueueUrlCommand({ QueueName: "submit" }));
  const seen: string[] = [];
  for (let left = true; left; ) {
    const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    seen.push(...(Messages ?? []).map(({ Body }) => Body!));
    left = Messages !== undefined;
  }
  expect(seen).toHaveLength(20);
});

test("the URL of a queue contains the loopback address, so that no request leaves this machine", async () => {
  const { queues, endpoint } = await start();
  const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: "submit" }));
  expect(QueueUrl).toBe(`${endpoint}/000000000000/submit`);
});

test("the queue engine listens on no other address of this machine", async () => {
  const { endpoint } = await start();
  const port = Number(new URL(endpoint).port);
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address?.family === "IPv4" && !address.internal)
    .map((address) => address!.address);
  const open = await Promise.all(["127.0.0.2", ...others].map((host) => accepts(host, port)));
  expect(open).not.toContain(true);
});

test("a message with a visibility timeout set to 0 is not lost", async () => {
  const { queues } = await start(createTempFolder());
  const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: "submit" }));
  await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: "kept" }));
  const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl }));
  const { ReceiptHandle } = Messages![0]!;
  await queues.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  const again = await queues.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(again.Messages?.[0]?.Body).toBe("kept");
});

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    socket.once("connect", () => socket.destroy());
  });
}
