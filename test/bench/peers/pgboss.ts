/**
 * The same work on pg-boss and PostgreSQL, as the smallest correct implementation. The status of a task and the jobs
 * that follow are changed in one transaction, so a crash leaves no pending work.
 *
 * - A submission is claimed before the vendor is called. If a job runs again and finds a claim, it does not call the
 *   vendor, because the vendor may already have been paid.
 * - A callback may arrive before the response to its submission. The response then only adds the vendor task id.
 * - NOTIFY wakes the workers. Polling every two seconds finds a job whose NOTIFY was lost.
 *
 * Missing, compared with mjflow: an unclear task waits for its callback without end (no grace period, no look-up, no
 * second attempt). A lost callback is never found by look-up. A busy vendor, or one without callbacks, is not handled.
 * Rows are never deleted. Everything that queue-engine-client.ts does not have is missing too.
 */
import { Pool, type PoolClient } from "pg";
import { PgBoss } from "pg-boss";
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
import { startPostgres } from "./server.ts";

/** Number of concurrent submissions, equal to mjflow's two batches of ten. */
const CONCURRENCY = 20;
const POOL = 20;
const QUEUE = "submit";

const TABLES = `
create table flow (id text primary key, prompt text not null, presses text[] not null, open int not null);
create table task (
  flow_id text not null, path text not null, press text, status text not null default 'PENDING',
  vendor_task_id text, buttons jsonb,
  primary key (flow_id, path)
);`;

await answer(async ({ vendorUrl, dataDir, isSynced }: SystemOptions) => {
  const server = await startPostgres(dataDir, isSynced);
  const connection = { host: "127.0.0.1", port: server.port, user: "bench", database: "postgres" };
  const pool = new Pool({ ...connection, max: POOL });
  await pool.query(TABLES);
  const boss = new PgBoss({ ...connection, max: POOL, useListenNotify: true, schedule: false });
  boss.on("error", console.error);
  await boss.start();
  await boss.createQueue(QUEUE, { notify: true, retryLimit: 5, retryBackoff: true });
  const api = await createQueueEngineClient(() => engine);

  async function transaction<T>(run: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query("begin");
      const result = await run(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  }

  async function enqueue(client: PoolClient, tasks: readonly TaskRef[]): Promise<void> {
    const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
    await boss.insert(
      QUEUE,
      tasks.map((data) => ({ data })),
      { db },
    );
  }

  const engine: Engine = {
    create: (flowId, { prompt, presses }) =>
      transaction(async (client) => {
        await client.query("insert into flow values ($1, $2, $3, 1)", [flowId, prompt, presses]);
        await client.query("insert into task (flow_id, path) values ($1, '0')", [flowId]);
        await enqueue(client, [{ flowId, path: "0" }]);
      }),
    ended: ({ flowId, path }, { isSuccess, vendorTaskId, buttons }) =>
      transaction(async (client) => {
        const { rowCount } = await client.query(
          `update task set status = $3, vendor_task_id = $4, buttons = $5
           where flow_id = $1 and path = $2 and status not in ('SUCCESS', 'FAILURE')`,
          [flowId, path, isSuccess ? "SUCCESS" : "FAILURE", vendorTaskId, JSON.stringify(buttons)],
        );
        if (rowCount === 0) {
          const known = await client.query("select from task where flow_id = $1 and path = $2", [flowId, path]);
          return known.rowCount === 0 ? "unknown" : "duplicate";
        }
        const follows = path === "0" && isSuccess;
        const { rows } = await client.query<{ presses: string[] }>(
          `update flow set open = open - 1 + case when $2 then cardinality(presses) else 0 end where id = $1 returning presses`,
          [flowId, follows],
        );
        const children = follows ? childrenOf(rows[0]!.presses) : [];
        if (children.length > 0) {
          await client.query(
            "insert into task (flow_id, path, press) select $1, * from unnest($2::text[], $3::text[])",
            [flowId, children.map((child) => child.path), children.map((child) => child.press)],
          );
          await enqueue(
            client,
            children.map((child) => ({ flowId, path: child.path })),
          );
        }
        return "recorded";
      }),
    async status(flowId) {
      const { rows } = await pool.query<{ open: number; status: string }>(
        "select open, status from flow join task on flow_id = id and path = '0' where id = $1",
        [flowId],
      );
      const found = rows[0];
      if (!found) return undefined;
      return found.open > 0 ? "running" : found.status === "SUCCESS" ? "completed" : "failed";
    },
  };

  interface Claimed {
    press: string | null;
    prompt: string;
    root_id: string | null;
    root_buttons: Button[] | null;
  }

  async function submit({ flowId, path }: TaskRef): Promise<void> {
    const { rows } = await pool.query<Claimed>(
      `update task set status = 'SUBMITTING' from flow, task root
       where task.flow_id = $1 and task.path = $2 and task.status = 'PENDING'
         and flow.id = $1 and root.flow_id = $1 and root.path = '0'
       returning task.press, flow.prompt, root.vendor_task_id as root_id, root.buttons as root_buttons`,
      [flowId, path],
    );
    const task = rows[0];
    if (!task) return;
    const callbackUrl = api.callbackUrl({ flowId, path });
    const customId = task.press === null ? undefined : buttonOf(task.press, task.root_buttons ?? []);
    const outcome =
      task.press === null
        ? await imagine(vendorUrl, task.prompt, callbackUrl)
        : customId === undefined
          ? ({ kind: "refused" } as const)
          : await press(vendorUrl, task.root_id!, customId, callbackUrl);
    if (outcome.kind === "refused") {
      await engine.ended({ flowId, path }, { isSuccess: false, vendorTaskId: "", buttons: [] });
      return;
    }
    await pool.query(
      `update task set vendor_task_id = coalesce($3, vendor_task_id),
         status = case when status = 'SUBMITTING' then $4 else status end
       where flow_id = $1 and path = $2`,
      [
        flowId,
        path,
        outcome.kind === "accepted" ? outcome.vendorTaskId : null,
        outcome.kind === "accepted" ? "SUBMITTED" : "UNCLEAR",
      ],
    );
  }

  await boss.work<TaskRef>(
    QUEUE,
    { localConcurrency: CONCURRENCY, batchSize: 1, pollingIntervalSeconds: 2 },
    async ([job]) => submit(job!.data),
  );
  return {
    ready: { url: api.url, key: api.key },
    async stop() {
      await api.stop();
      await boss.stop();
      await pool.end();
      await server.stop();
    },
  };
});
