/** Fills a table with ended flows. It writes them through the store in the form that the engine leaves. */
import { randomBytes } from "node:crypto";
import type { Flow } from "@mjflow/core/flow";
import { childPath, flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import type { Store } from "@mjflow/core/port";
import { newTask, type Task } from "@mjflow/core/task";
import { openDataFile } from "@mjflow/local/engine/data-file";
import { createFileTable } from "@mjflow/local/engine/file-table";
import { createStore } from "@mjflow/store/dynamo";

const WRITERS = 16;
const INTERVAL_MS = 30_000;
const DURATION_MS = 40_000;

export interface Seed {
  /** Data folder of a local server that is not running. */
  dataDir: string;
  count: number;
  /** Returns the address of the n-th image. */
  imageUrlOf(n: number): string;
}

/** Writes `count` flows: each an imagine with two upscales. They are 30 s apart, and the newest ended now. */
export function seedFlows({ dataDir, count, imageUrlOf }: Seed): Promise<void> {
  return withStore(dataDir, async (store) => {
    const now = Date.now();
    let next = 0;
    const writer = async () => {
      for (let n = next++; n < count; n = next++) {
        const flow = flowAt(n, now - n * INTERVAL_MS);
        const [root, ...rest] = tasksOf(flow, imageUrlOf(n));
        await store.createFlow(flow, root!);
        await Promise.all(rest.map((task) => store.createTask(task)));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  });
}

/**
 * Writes one ended flow with many tasks: a root with `branches` upscales, each with `leaves` variations.
 *
 * @returns the id of the flow
 */
export async function seedTree(options: {
  dataDir: string;
  branches: number;
  leaves: number;
  imageUrl: string;
}): Promise<string> {
  const { dataDir, branches, leaves, imageUrl } = options;
  const flow = flowAt(0, Date.now());
  await withStore(dataDir, async (store) => {
    await store.createFlow(flow, taskOf(flow, ROOT_PATH, "IMAGINE", imageUrl));
    for (let branch = 0; branch < branches; branch++) {
      const path = childPath(ROOT_PATH, branch);
      await store.createTask(taskOf(flow, path, "UPSCALE", imageUrl, `upscale:${(branch % 4) + 1}`));
      const below = Array.from({ length: leaves }, (_, leaf) => childPath(path, leaf));
      await Promise.all(
        below.map((leaf) => store.createTask(taskOf(flow, leaf, "VARIATION", imageUrl, "vary:subtle"))),
      );
    }
  });
  return flow.id;
}

/** Opens the store of a local server that is not running. */
export async function withStore(dataDir: string, work: (store: Store) => Promise<void>): Promise<void> {
  const file = openDataFile({ dataDir });
  try {
    await work(createStore({ table: createFileTable(file) }));
  } finally {
    await file.close();
  }
}

function flowAt(n: number, endedAt: number): EndedFlow {
  const createdAt = endedAt - DURATION_MS;
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

type EndedFlow = Flow & { endedAt: number };

function tasksOf(flow: EndedFlow, imageUrl: string): Task[] {
  return [
    taskOf(flow, ROOT_PATH, "IMAGINE", imageUrl),
    taskOf(flow, childPath(ROOT_PATH, 0), "UPSCALE", imageUrl, "upscale:1"),
    taskOf(flow, childPath(ROOT_PATH, 1), "UPSCALE", imageUrl, "upscale:2"),
  ];
}

function taskOf(flow: EndedFlow, path: string, action: string, imageUrl: string, press?: string): Task {
  const { id: flowId, provider, account, createdAt, endedAt } = flow;
  const fields = { flowId, path, action, provider, account, pace: "fast", ...(press && { press }) } as const;
  const { due: _, ...task } = newTask(fields, createdAt, createdAt);
  const end = { status: "SUCCESS", progress: 100, attempt: 1, submittedAt: createdAt, endedAt } as const;
  return { ...task, ...end, result: { imageUrl, buttons: [] } };
}
