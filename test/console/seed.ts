/** A table full of flows that have ended, written through the store as the engine would have left them. */
import { randomBytes } from "node:crypto";
import type { Flow } from "@mjflow/core/flow";
import { childPath, flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import type { Store } from "@mjflow/core/port";
import { newTask, type Task } from "@mjflow/core/task";
import { tableClient } from "@mjflow/local/engine/client";
import { startTableEngine } from "@mjflow/local/engine/table";
import { createTable, TABLE } from "@mjflow/local/provision";
import { createDynamoStore } from "@mjflow/store/dynamo";

const WRITERS = 16;
const APART_MS = 30_000;
const TOOK_MS = 40_000;

export interface Seed {
  /** Of a house that is not running. */
  dataDir: string;
  count: number;
  /** Where the n-th picture is. */
  pictureUrl(n: number): string;
}

/** Each an imagine with two upscales, half a minute apart, the newest of them now. */
export function seedFlows({ dataDir, count, pictureUrl }: Seed): Promise<void> {
  return withStore(dataDir, async (store) => {
    const now = Date.now();
    let next = 0;
    const writer = async () => {
      for (let n = next++; n < count; n = next++) {
        const flow = flowAt(n, now - n * APART_MS);
        const [root, ...rest] = tasksOf(flow, pictureUrl(n));
        await store.createFlow(flow, root!);
        await Promise.all(rest.map((task) => store.createTask(task)));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  });
}

/** Of a house that is not running. */
export async function withStore(dataDir: string, work: (store: Store) => Promise<void>): Promise<void> {
  const engine = await startTableEngine({ dataDir });
  const client = tableClient(engine.endpoint);
  try {
    await createTable(client);
    await work(createDynamoStore({ client, table: TABLE }));
  } finally {
    client.destroy();
    await engine.stop();
  }
}

function flowAt(n: number, endedAt: number): Ended {
  const createdAt = endedAt - TOOK_MS;
  return {
    id: flowIdOf(createdAt, randomBytes(10)),
    appId: "app_default",
    rev: 0,
    status: "completed",
    action: "imagine",
    provider: n % 3 === 0 ? "cometapi" : "simulator",
    account: "default",
    prompt: `number ${n}, a paper boat on calm water at dawn --ar 3:2`,
    state: `order ${n}`,
    progress: false,
    createdAt,
    endedAt,
  };
}

type Ended = Flow & { endedAt: number };

function tasksOf({ id: flowId, provider, account, createdAt, endedAt }: Ended, imageUrl: string): Task[] {
  const made = (path: string, action: string, press?: string): Task => {
    const fields = { flowId, path, action, provider, account, pace: "fast", ...(press && { press }) } as const;
    const { due: _, ...task } = newTask(fields, createdAt, createdAt);
    const end = { status: "SUCCESS", progress: 100, attempt: 1, submittedAt: createdAt, endedAt } as const;
    return { ...task, ...end, result: { imageUrl, buttons: [] } };
  };
  return [
    made(ROOT_PATH, "IMAGINE"),
    made(childPath(ROOT_PATH, 0), "UPSCALE", "upscale:1"),
    made(childPath(ROOT_PATH, 1), "UPSCALE", "upscale:2"),
  ];
}
