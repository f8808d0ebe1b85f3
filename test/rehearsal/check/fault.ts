/** What goes wrong in AWS: failed messages of a batch, timeouts, lost messages, crashes between two writes, missing objects. */
import { ChangeMessageVisibilityCommand, SendMessageBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { saveDeadLetter } from "@mjflow/engine/dead-letter";
import { createApp, expect, pause, type Session } from "../session.ts";
import type { Stage } from "../stage.ts";

const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/** A timeout of a function in a check of timeouts, seconds. */
const TIMEOUT_S = 6;

export async function checkFaults(session: Session): Promise<void> {
  const { stage, simulator, receiver, check, api, ok, start, ended, until } = session;
  const { judge, queues, batches } = stage;
  const endpoint = await ok("POST", "/v1/endpoints", { url: receiver.url });
  const submissions = () => simulator.ledger().submissions.length;
  const sent = (name: string, queue: string) =>
    [...(judge.used.get(name) ?? [])].some((used) => used.startsWith("sqs:SendMessage") && used.includes(queue));

  let poison = "";
  await check("a message that cannot be parsed fails alone: the others of its batch are done", async () => {
    const flow = await ended(await start({ prompt: "a batch" }));
    const tell = { v: 1, type: "tell", flowId: flow.id, place: "0", events: ["task.completed"] };
    const bodies = [tell, { v: 9 }, tell].map((body) => JSON.stringify(body));
    // SQS may deliver the three messages in several batches. The next try then has another one.
    for (let tries = 0; tries < 5 && poison === ""; tries++) {
      const Entries = bodies.map((MessageBody, i) => ({ Id: String(i), MessageBody }));
      const { Successful = [] } = await queues.client.send(
        new SendMessageBatchCommand({ QueueUrl: queues.urlOf("DeliverQueue"), Entries }),
      );
      const bad = Successful.find(({ Id }) => Id === "1")!.MessageId!;
      const batch = await until("the batch", async () =>
        batches.find(({ records, failed }) => failed && records.some(({ messageId }) => messageId === bad)),
      );
      expect(batch.failed!.join() === bad, `the batch failed with ${batch.failed!.length} messages`);
      if (batch.records.length > 1) poison = bad;
    }
    expect(poison !== "", "no batch had several messages");
  });
  await check(
    "the message is received five times, then it is a dead letter that is kept, not redriven, and discarded",
    async () => {
      let receives = 0;
      const letter = await until("the dead letter", async () => {
        const received = batches.filter(({ name, failed, records }) => {
          return name === "Deliver" && failed && records.some(({ messageId }) => messageId === poison);
        });
        if (received.length > receives) {
          receives = received.length;
          const { receiptHandle } = received.at(-1)!.records.find(({ messageId }) => messageId === poison)!;
          // Its visibility timeout is six minutes.
          const visible = {
            QueueUrl: queues.urlOf("DeliverQueue"),
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: 0,
          };
          await queues.client.send(new ChangeMessageVisibilityCommand(visible));
        }
        return (await ok("GET", "/v1/dead-letters")).data[0];
      });
      expect(receives === 5, `the message was received ${receives} times`);
      const { status } = await api("POST", `/v1/dead-letters/${letter.id}/redrive`);
      expect(status === 409, `the redrive got ${status}`);
      await ok("DELETE", `/v1/dead-letters/${letter.id}`);
    },
  );
  await check("messages that the version before could not parse are redriven to their queues", async () => {
    const flow = await ended(await start({ prompt: "an older version" }));
    const names = { archive: "ArchiveQueue", tell: "DeliverQueue" };
    for (const [type, queue] of Object.entries(names)) {
      const body = JSON.stringify({ v: 1, type, flowId: flow.id, path: "0", place: "0" });
      const log = { count() {}, error() {} } as never;
      await saveDeadLetter(
        { store: stage.store, log },
        { messageId: `old-${type}`, body, sentAt: Date.now(), receives: 5, why: "old" },
      );
      const { data } = await ok("GET", "/v1/dead-letters");
      await ok("POST", `/v1/dead-letters/${data[0].id}/redrive`);
      expect(sent("Api", queue), `the redrive sent nothing to ${queue}`);
    }
  });
  await check("a flow whose first message is lost is submitted by the sweeper, once", async () => {
    const before = submissions();
    const fault = judge.arm({
      name: "Api",
      action: "sqs:SendMessage",
      resource: "SubmitQueue",
      times: 1,
      effect: "lose",
    });
    const flow = await ended(await start({ prompt: "a lost message", mode: "relax" }));
    expect(fault.fired === 1 && flow.status === "completed", `the flow is ${flow.status}`);
    expect(submissions() - before === 1, `${submissions() - before} submissions`);
  });
  await check("a webhook and an archived image whose messages are lost are made up for by the sweeper", async () => {
    const lose = { name: "Callback", action: "sqs:SendMessage", effect: "lose", times: 1 } as const;
    const faults = ["DeliverQueue", "ArchiveQueue"].map((resource) => judge.arm({ ...lose, resource }));
    const before = receiver.types.length;
    const id = await start({ prompt: "lost effects", archive: true });
    await ended(id);
    await until("the copies", async () => {
      const { tasks } = await ok("GET", `/v1/flows/${id}`);
      return tasks[0].copies?.length > 0;
    });
    await until("the webhook", async () => receiver.types.slice(before).includes("flow.completed"));
    expect(
      faults.every(({ fired }) => fired === 1),
      `lost messages: ${faults.map(({ fired }) => fired)}`,
    );
  });
  await check("a task whose message failed too often ends as failed, and its subscriber is told", async () => {
    judge.arm({ name: "Api", action: "sqs:SendMessage", resource: "SubmitQueue", times: 1, effect: "lose" });
    // With a limit of credit, the end of the flow also settles it.
    const { key } = await createApp(session);
    const id = await start({ prompt: "failed too often", mode: "relax" }, key);
    const body = JSON.stringify({ v: 1, type: "submit", flowId: id, path: "0" });
    const QueueUrl = queues.urlOf("DeadLetters");
    // A task that the sweeper continues is not ended. So the sweeper stands still, as if it had crashed.
    const flow = await session.withoutSweeper(() =>
      until("the end of the task", async () => {
        await queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
        await pause(5_000);
        const found = await ok("GET", `/v1/flows/${id}`, undefined, key);
        return found.status !== "running" && found;
      }),
    );
    judge.disarm();
    expect(flow.tasks[0].failure?.code === "dead_letter", `the task ended with ${flow.tasks[0].failure?.code}`);
  });
  await check(
    "a task that the vendor refuses, and one whose image is missing in S3, end with their reasons",
    async () => {
      simulator.arm({ kind: "not-success", times: 1 });
      const refused = await ended(await start({ prompt: "refused" }));
      expect(refused.status === "failed", `the refused flow is ${refused.status}`);
      judge.arm({ name: "Api", action: "sqs:SendMessage", resource: "SubmitQueue", times: 1, effect: "lose" });
      const id = await start({ action: "blend", base64Array: [PNG, PNG], mode: "relax" });
      await deleteInputs(stage);
      const missing = await ended(id);
      expect(missing.tasks[0].failure?.code === "input_missing", `it ended with ${missing.tasks[0].failure?.code}`);
    },
  );
  await check("a task whose callbacks are lost ends by a look-up of the sweeper", async () => {
    simulator.arm({ kind: "lose-callback", times: 1_000 });
    const lost = await ended(await start({ prompt: "no callback" })).finally(() => simulator.disarm());
    expect(lost.status === "completed", `the flow is ${lost.status}`);
  });
  await ok("DELETE", `/v1/endpoints/${endpoint.id}`);
}

/** @param largeImageBytes size of the images of the vendor `cometapi` (large-image-vendor.ts) */
export async function checkLargeImage(
  { stage: { judge }, check, ok, start, until }: Session,
  largeImageBytes: number,
): Promise<void> {
  await check("an image of two parts is archived, although its link works late and an upload fails once", async () => {
    const upload = { name: "Archive", action: "s3:PutObject", request: /partNumber=2/ };
    const fault = judge.arm({ ...upload, times: 3, effect: "fail" });
    const id = await start({ provider: "cometapi", prompt: "a large image", mode: "relax", archive: true });
    const copies = await until("the copy", async () => {
      const { status, tasks } = await ok("GET", `/v1/flows/${id}`);
      expect(status !== "failed", `the task failed with ${tasks[0].failure?.code}`);
      expect(!tasks[0].copyFailures?.length, `the copy failed with ${tasks[0].copyFailures?.[0]?.code}`);
      return tasks[0].copies?.length > 0 && tasks[0].copies;
    });
    expect(
      fault.fired === 3 && copies[0].bytes === largeImageBytes,
      `${copies[0].bytes} bytes, ${fault.fired} failures`,
    );
  });
}

/**
 * These checks come last, and the one of Submit after the other. A stopped worker of Submit holds the slot of its vendor host for two more minutes. A trial stage with
 * several hosts has one slot for each.
 */
export async function checkTimeouts(session: Session): Promise<void> {
  const { stage, simulator, operatorKey, check, start, ended, until } = session;
  const { judge, pools } = stage;
  const submissions = () => simulator.ledger().submissions.length;

  /** The timeout of a function is shorter while `work` runs, and the timeouts that it causes are no failures. */
  async function withTimeout(name: string, work: () => Promise<void>): Promise<void> {
    const pool = pools.get(name)!;
    const before = pool.timeoutS;
    const known = pool.errors.length;
    pool.timeoutS = TIMEOUT_S;
    try {
      await work();
    } finally {
      pool.timeoutS = before;
      judge.disarm();
      pool.errors.splice(known);
    }
  }

  await check(
    "a creation that is interrupted between its writes is completed by the repeated request, once",
    async () => {
      const before = submissions();
      const create = () =>
        fetch(`${stage.url("Api")}/v1/flows`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${operatorKey}`,
            "content-type": "application/json",
            "idempotency-key": "a-creation-that-is-interrupted",
          },
          body: JSON.stringify({ provider: "simulator", prompt: "interrupted", mode: "relax" }),
        });
      await withTimeout("Api", async () => {
        // The writes are the key of the request, the root, and the flow.
        const fault = judge.arm({ name: "Api", action: "dynamodb:PutItem", after: 2, times: 1_000, effect: "hang" });
        const { status } = await create();
        expect(status === 502 && fault.fired > 0, `the request got ${status}`);
      });
      // The API refuses the key while the first request may still run.
      const repeated = await until("the repetition", async () => {
        const answer = await create();
        return answer.status === 202 && ((await answer.json()) as { id: string });
      });
      await ended(repeated.id);
      expect(submissions() - before === 1, `${submissions() - before} submissions`);
    },
  );
  await check(
    "a submission whose worker runs into its timeout after the vendor accepted it is not sent again",
    async () => {
      const pool = pools.get("Submit")!;
      const [before, endedBefore] = [submissions(), pool.ended];
      let id = "";
      await withTimeout("Submit", async () => {
        // The first write claims the task, and the second one stores what the vendor accepted.
        const fault = judge.arm({ name: "Submit", action: "dynamodb:PutItem", after: 1, times: 1_000, effect: "hang" });
        id = await start({ prompt: "a timeout", mode: "relax" });
        await until("the timeout", async () => pool.errors.some((text) => text.includes("TimedOut")));
        expect(fault.fired > 0, "no call hung");
        await until("the end of the environment", async () => pool.ended > endedBefore);
      });
      const flow = await ended(id);
      expect(flow.status === "completed", `the flow is ${flow.status}`);
      expect(submissions() - before === 1, `${submissions() - before} submissions`);
    },
  );
}

async function deleteInputs({ aws, bucket }: Stage): Promise<void> {
  const listed = await aws.rest("s3", "GET", `/${bucket}?list-type=2&prefix=inputs/`);
  for (const [, name] of listed.matchAll(/<Key>([^<]+)<\/Key>/g)) await aws.rest("s3", "DELETE", `/${bucket}/${name}`);
}
