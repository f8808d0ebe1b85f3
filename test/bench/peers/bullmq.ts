/**
 * The same work on BullMQ and Redis, with as few commands as BullMQ's documentation allows:
 *
 * - A job holds all that its submission needs, and stays in Redis after it has run. So a request is one `add`, and the
 *   plan is read from the root's job. Adding a job with a known id has no effect, so repeated reports add no job twice.
 * - BullMQ itself is the claim. With `maxStalledCount: 0` and one attempt a job whose worker crashed does not run again,
 *   because the vendor may already have been paid. The vendor's task id is the job's return value.
 * - An end is a field of the flow's hash, written only once (HSETNX). The follow-ups are sent before it on the same
 *   connection, and the callback is acknowledged after both. The vendor's id and the buttons come with the callback.
 */
import { type Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { answer } from "../child.ts";
import type { Counts, Ready, SystemOptions } from "../flows/system.ts";
import { type Engine, followUpsOf, type Plan, type Report, ROOT, type TaskRef } from "./engine.ts";
import { serveHttp } from "./http-server.ts";
import { startRedis } from "./redis.ts";
import { createVendorClient } from "./vendor-client.ts";

type Submission = TaskRef & (Plan | { parentId: string; customId: string });

/** Number of concurrent submissions, equal to mjflow's two batches of ten. */
const CONCURRENCY = 20;
/** Commands that only a client sends. Scripts run others, such as HSET, which Redis counts together with ours. */
const COMMANDS = ["evalsha", "hsetnx", "bzpopmin"];

await answer<SystemOptions, object, Ready | Counts>(async ({ vendorUrl, dataDir, isSynced, storesProgress }) => {
  const server = await startRedis(dataDir, isSynced);
  // Commands of the same turn of the event loop are one write to the connection.
  const connection = new Redis({
    host: "127.0.0.1",
    port: server.port,
    maxRetriesPerRequest: null,
    enableAutoPipelining: true,
  });
  const queue = new Queue<Submission>("submit", { connection });
  const vendor = createVendorClient(vendorUrl);
  const routes = await serveHttp(() => engine);

  // BullMQ allows no ":" in the id of a job.
  const jobId = ({ flowId, path }: TaskRef) => `${flowId}.${path}`;
  const flowKey = (flowId: string) => `flow:${flowId}`;
  const jobOf = (data: Submission) => ({ name: "submit", data, opts: { jobId: jobId(data) } });
  /** Plans of flows whose root runs. After a restart they are read from the root's job. */
  const plans = new Map<string, Plan>();
  const planOf = async (flowId: string) =>
    plans.get(flowId) ?? ((await queue.getJob(jobId({ flowId, path: ROOT }))) as Job<TaskRef & Plan> | undefined)?.data;

  const engine: Engine = {
    async create(flowId, plan) {
      const { name, data, opts } = jobOf({ flowId, path: ROOT, ...plan });
      plans.set(flowId, plan);
      await queue.add(name, data, opts);
    },
    ...(storesProgress && {
      async progress({ flowId, path }: TaskRef, progress: string) {
        await connection.hset(flowKey(flowId), `${path} progress`, progress);
      },
    }),
    async ended({ flowId, path }, report) {
      const end = () => connection.hsetnx(flowKey(flowId), path, JSON.stringify(report));
      if (path !== ROOT) return void (await end());
      const plan = report.isSuccess ? await planOf(flowId) : undefined;
      plans.delete(flowId);
      if (!report.isSuccess) return void (await end());
      if (!plan) throw new Error("Unknown flow");
      const followUps = followUpsOf(flowId, plan.presses, report.buttons);
      const jobs = followUps.map((followUp) => jobOf({ ...followUp, parentId: report.vendorTaskId }));
      await Promise.all([queue.addBulk(jobs), end()]);
    },
    async status(flowId) {
      const [plan, fields] = await Promise.all([planOf(flowId), connection.hgetall(flowKey(flowId))]);
      if (!plan) return undefined;
      const ends = Object.entries(fields).filter(([field]) => !field.endsWith("progress"));
      const root = fields[ROOT];
      if (root === undefined) return "running";
      if (!(JSON.parse(root) as Report).isSuccess) return "failed";
      return ends.length === 1 + plan.presses.length ? "completed" : "running";
    },
  };

  async function submit(data: Submission): Promise<string> {
    const { flowId, path } = data;
    const notifyHook = routes.callbackUrl({ flowId, path });
    const outcome = await ("prompt" in data
      ? vendor.imagine(data.prompt, notifyHook)
      : vendor.press(data.parentId, data.customId, notifyHook));
    if (outcome.kind === "accepted") return outcome.vendorTaskId;
    if (outcome.kind === "refused") {
      await engine.ended({ flowId, path }, { isSuccess: false, vendorTaskId: "", buttons: [] });
    }
    return outcome.kind;
  }

  const options = { connection, concurrency: CONCURRENCY, maxStalledCount: 0 };
  const worker = new Worker<Submission>("submit", ({ data }) => submit(data), options);
  worker.on("error", console.error);
  await worker.waitUntilReady();
  return {
    ready: { url: routes.url, key: routes.key },
    ask: async () => ({ requests: commandsOf(await connection.info("commandstats")) }),
    async stop() {
      await routes.stop();
      await worker.close();
      await queue.close();
      connection.disconnect();
      await server.stop();
    },
  };
});

function commandsOf(info: string): number {
  const calls = COMMANDS.map((name) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0));
  return calls.reduce((sum, count) => sum + count, 0);
}
