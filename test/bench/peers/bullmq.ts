/**
 * The same work on BullMQ and Redis, as the smallest correct implementation. A task is a hash. A script changes the
 * status of a task, because Redis runs a script atomically. A follow-up is a job with the name of its task.
 *
 * - A submission is claimed before the vendor is called. If a job runs again and finds a claim, it does not call the
 *   vendor, because the vendor may already have been paid.
 * - An end is stored together with its pending follow-ups. The callback is acknowledged after the follow-ups are
 *   queued. Pending follow-ups that a crash left are queued at the next start and every half minute.
 * - A callback may arrive before the response to its submission. The response then only adds the vendor task id.
 *
 * Missing, compared with mjflow: an unclear task waits for its callback without end (no grace period, no look-up, no
 * second attempt). A lost callback is never found by look-up. A busy vendor, or one without callbacks, is not handled.
 * Rows are never deleted. Everything that queue-engine-client.ts does not have is missing too.
 */
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { answer } from "../child.ts";
import type { SystemOptions } from "../flows/system.ts";
import {
  type Button,
  buttonOf,
  childrenOf,
  createQueueEngineClient,
  type Engine,
  imagine,
  press,
  type TaskRef,
} from "./queue-engine-client.ts";
import { startRedis } from "./server.ts";

/** Number of concurrent submissions, equal to mjflow's two batches of ten. */
const CONCURRENCY = 20;
const PENDING_INTERVAL_MS = 30_000;
const PENDING = "pending";

/** KEYS: task. Claims a task, which succeeds once. */
const CLAIM = `
if redis.call("HGET", KEYS[1], "status") ~= "PENDING" then return 0 end
redis.call("HSET", KEYS[1], "status", "SUBMITTING")
return 1`;

/** KEYS: task. ARGV: status, vendor task id. Changes the status only of a task that is still being submitted. */
const SUBMITTED = `
if ARGV[2] ~= "" then redis.call("HSET", KEYS[1], "vendorTaskId", ARGV[2]) end
if redis.call("HGET", KEYS[1], "status") == "SUBMITTING" then redis.call("HSET", KEYS[1], "status", ARGV[1]) end`;

/**
 * KEYS: task, flow, flows with pending follow-ups. ARGV: status, vendor task id, buttons, flow id, then (for a success
 * with follow-ups) pairs of their keys and presses. Returns -1 for an unknown task and 0 for a task that has already
 * ended.
 */
const ENDED = `
local status = redis.call("HGET", KEYS[1], "status")
if not status then return -1 end
if status == "SUCCESS" or status == "FAILURE" then return 0 end
redis.call("HSET", KEYS[1], "status", ARGV[1], "vendorTaskId", ARGV[2], "buttons", ARGV[3])
for i = 5, #ARGV, 2 do redis.call("HSET", ARGV[i], "status", "PENDING", "press", ARGV[i + 1]) end
if #ARGV > 4 then redis.call("SADD", KEYS[3], ARGV[4]) end
redis.call("HINCRBY", KEYS[2], "open", (#ARGV - 4) / 2 - 1)
return 1`;

interface Scripts {
  claim(task: string): Promise<number>;
  submitted(task: string, status: string, vendorTaskId: string): Promise<void>;
  ended(task: string, flow: string, pending: string, ...values: string[]): Promise<number>;
}

const flowKey = (flowId: string) => `flow:${flowId}`;
const taskKey = ({ flowId, path }: TaskRef) => `task:${flowId}:${path}`;

await answer(async ({ vendorUrl, dataDir, isSynced }: SystemOptions) => {
  const server = await startRedis(dataDir, isSynced);
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  const redis = new Redis(connection) as Redis & Scripts;
  redis.defineCommand("claim", { numberOfKeys: 1, lua: CLAIM });
  redis.defineCommand("submitted", { numberOfKeys: 1, lua: SUBMITTED });
  redis.defineCommand("ended", { numberOfKeys: 3, lua: ENDED });
  const queue = new Queue<TaskRef>("submit", { connection });
  const api = await createQueueEngineClient(() => engine);

  const jobOf = (task: TaskRef) => ({
    name: "submit",
    data: task,
    // The id makes one job per task, even if it is added repeatedly. BullMQ allows no ":" in the id.
    opts: {
      jobId: `${task.flowId}.${task.path}`,
      removeOnComplete: true,
      attempts: 5,
      backoff: { type: "exponential", delay: 1_000 },
    },
  });

  async function queueFollowUps(flowId: string): Promise<void> {
    const { presses = "[]" } = await redis.hgetall(flowKey(flowId));
    await queue.addBulk(childrenOf(JSON.parse(presses)).map(({ path }) => jobOf({ flowId, path })));
    await redis.srem(PENDING, flowId);
  }

  const engine: Engine = {
    async create(flowId, { prompt, presses }) {
      const root = { flowId, path: "0" };
      // The task is stored first. A job without its task would find nothing and be removed.
      await redis
        .multi()
        .hset(flowKey(flowId), { prompt, presses: JSON.stringify(presses), open: 1 })
        .hset(taskKey(root), { status: "PENDING" })
        .exec();
      await queue.addBulk([jobOf(root)]);
    },
    async ended(task, { isSuccess, vendorTaskId, buttons }) {
      const { flowId, path } = task;
      const presses: string[] =
        path === "0" && isSuccess ? JSON.parse((await redis.hget(flowKey(flowId), "presses")) ?? "[]") : [];
      const children = childrenOf(presses).flatMap((child) => [taskKey({ flowId, path: child.path }), child.press]);
      const values = [isSuccess ? "SUCCESS" : "FAILURE", vendorTaskId, JSON.stringify(buttons), flowId, ...children];
      const moved = await redis.ended(taskKey(task), flowKey(flowId), PENDING, ...values);
      if (moved < 0) return "unknown";
      if (moved === 0) return "duplicate";
      if (children.length > 0) await queueFollowUps(flowId);
      return "recorded";
    },
    async status(flowId) {
      const open = await redis.hget(flowKey(flowId), "open");
      if (open === null) return undefined;
      if (Number(open) > 0) return "running";
      return (await redis.hget(taskKey({ flowId, path: "0" }), "status")) === "SUCCESS" ? "completed" : "failed";
    },
  };

  async function submit(task: TaskRef): Promise<void> {
    const key = taskKey(task);
    const parent = taskKey({ ...task, path: "0" });
    const [flow, own, root] = await Promise.all([
      redis.hgetall(flowKey(task.flowId)),
      redis.hgetall(key),
      redis.hgetall(parent),
    ]);
    const isRoot = task.path === "0";
    const customId = isRoot ? undefined : buttonOf(own["press"]!, JSON.parse(root["buttons"] ?? "[]") as Button[]);
    const lacksButton = !isRoot && customId === undefined;
    if ((await redis.claim(key)) === 0) return;
    const callbackUrl = api.callbackUrl(task);
    const outcome = lacksButton
      ? ({ kind: "refused" } as const)
      : isRoot
        ? await imagine(vendorUrl, flow["prompt"]!, callbackUrl)
        : await press(vendorUrl, root["vendorTaskId"]!, customId!, callbackUrl);
    if (outcome.kind === "accepted") return redis.submitted(key, "SUBMITTED", outcome.vendorTaskId);
    if (outcome.kind === "unclear") return redis.submitted(key, "UNCLEAR", "");
    await engine.ended(task, { isSuccess: false, vendorTaskId: "", buttons: [] });
  }

  const worker = new Worker<TaskRef>("submit", ({ data }) => submit(data), { connection, concurrency: CONCURRENCY });
  const queueAllPending = async () => {
    for (const flowId of await redis.smembers(PENDING)) await queueFollowUps(flowId);
  };
  await queueAllPending();
  const timer = setInterval(() => void queueAllPending().catch(console.error), PENDING_INTERVAL_MS);
  return {
    ready: { url: api.url, key: api.key },
    async stop() {
      clearInterval(timer);
      await api.stop();
      await worker.close();
      await queue.close();
      redis.disconnect();
      await server.stop();
    },
  };
});
