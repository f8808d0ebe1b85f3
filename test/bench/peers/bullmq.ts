/**
 * The same work on BullMQ and Redis, the least that is correct. A task is a hash; what moves one is a script, which Redis
 * runs as one; a follow-up is a job under its task's name.
 *
 * - A submission is claimed before the vendor is called. A job that comes again and finds the claim taken does not call: its
 *   vendor may have been paid.
 * - An end is stored together with the debt of its follow-ups, and acknowledged when they are queued; debts that a crash
 *   left are paid at the next start, and each half minute.
 * - A callback may overtake its submission's answer: the answer then adds the id, and moves nothing.
 *
 * Lacking, of what mjflow does: a task in doubt waits for its callback for ever (no grace, no look-up, no second attempt); a
 * lost callback is never looked for; a vendor that is busy or silent is not known; a flow's rows never end; nothing beyond
 * door.ts.
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

/** As many submissions at once as mjflow's two batches of ten. */
const CONCURRENCY = 20;
const OWED_EVERY_MS = 30_000;
const OWED = "owed";

/** KEYS: task. A claim is taken once. */
const CLAIM = `
if redis.call("HGET", KEYS[1], "status") ~= "PENDING" then return 0 end
redis.call("HSET", KEYS[1], "status", "SUBMITTING")
return 1`;

/** KEYS: task. ARGV: status, vendor's id. Moves only what is still being submitted. */
const ANSWERED = `
if ARGV[2] ~= "" then redis.call("HSET", KEYS[1], "vendorTaskId", ARGV[2]) end
if redis.call("HGET", KEYS[1], "status") == "SUBMITTING" then redis.call("HSET", KEYS[1], "status", ARGV[1]) end`;

/**
 * KEYS: task, flow, debts. ARGV: status, vendor's id, buttons, flow's id, then (for a success with follow-ups) pairs of their
 * keys and presses. Answers -1 for a task that is not known, 0 for one that has ended before.
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
  answered(task: string, status: string, vendorTaskId: string): Promise<void>;
  ended(task: string, flow: string, debts: string, ...values: string[]): Promise<number>;
}

const flowKey = (flowId: string) => `flow:${flowId}`;
const taskKey = ({ flowId, path }: TaskRef) => `task:${flowId}:${path}`;

await answer(async ({ vendorUrl, dataDir, isSynced }: SystemOptions) => {
  const server = await startRedis(dataDir, isSynced);
  const connection = { host: "127.0.0.1", port: server.port, maxRetriesPerRequest: null };
  const redis = new Redis(connection) as Redis & Scripts;
  redis.defineCommand("claim", { numberOfKeys: 1, lua: CLAIM });
  redis.defineCommand("answered", { numberOfKeys: 1, lua: ANSWERED });
  redis.defineCommand("ended", { numberOfKeys: 3, lua: ENDED });
  const queue = new Queue<TaskRef>("submit", { connection });
  const api = await createQueueEngineClient(() => engine);

  const jobOf = (task: TaskRef) => ({
    name: "submit",
    data: task,
    // One job for a task, however often it is asked for; BullMQ allows no ":" in it.
    opts: {
      jobId: `${task.flowId}.${task.path}`,
      removeOnComplete: true,
      attempts: 5,
      backoff: { type: "exponential", delay: 1_000 },
    },
  });

  async function pay(flowId: string): Promise<void> {
    const { presses = "[]" } = await redis.hgetall(flowKey(flowId));
    await queue.addBulk(childrenOf(JSON.parse(presses)).map(({ path }) => jobOf({ flowId, path })));
    await redis.srem(OWED, flowId);
  }

  const engine: Engine = {
    async create(flowId, { prompt, presses }) {
      const root = { flowId, path: "0" };
      // The task first: a job that is there before it would find nothing, and be done.
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
      const moved = await redis.ended(taskKey(task), flowKey(flowId), OWED, ...values);
      if (moved < 0) return "unknown";
      if (moved === 0) return "duplicate";
      if (children.length > 0) await pay(flowId);
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
    const isHopeless = !isRoot && customId === undefined;
    if ((await redis.claim(key)) === 0) return;
    const hook = api.hookUrl(task);
    const said = isHopeless
      ? ({ kind: "refused" } as const)
      : isRoot
        ? await imagine(vendorUrl, flow["prompt"]!, hook)
        : await press(vendorUrl, root["vendorTaskId"]!, customId!, hook);
    if (said.kind === "accepted") return redis.answered(key, "SUBMITTED", said.vendorTaskId);
    if (said.kind === "unclear") return redis.answered(key, "UNCLEAR", "");
    await engine.ended(task, { isSuccess: false, vendorTaskId: "", buttons: [] });
  }

  const worker = new Worker<TaskRef>("submit", ({ data }) => submit(data), { connection, concurrency: CONCURRENCY });
  const payAll = async () => {
    for (const flowId of await redis.smembers(OWED)) await pay(flowId);
  };
  await payAll();
  const owed = setInterval(() => void payAll().catch(console.error), OWED_EVERY_MS);
  return {
    ready: { url: api.url, key: api.key },
    async stop() {
      clearInterval(owed);
      await api.stop();
      await worker.close();
      await queue.close();
      redis.disconnect();
      await server.stop();
    },
  };
});
