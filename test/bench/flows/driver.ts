/**
 * The vendor and the app, in one process that is the same for every system: posts plans, keeps so many under way, and
 * measures at the vendor's own door. A flow is done when the vendor has been told 2xx for the end of each of its five
 * tasks, so nobody is polled while the clock runs.
 *
 * From callback to follow-up: from when the imagine's SUCCESS is posted to when a follow-up's submission has arrived; both
 * are this process's clock.
 */
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { type Simulator, startSimulator } from "@mjflow/simulator/server";
import { answer } from "../child.ts";

export interface Run {
  url: string;
  key: string;
  flows: number;
  /** Plans under way at once. */
  concurrency: number;
}

export interface Ran {
  vendorUrl: string;
  seconds: number;
  followUpMs: number[];
  /** Pictures that the vendor was paid for, by flow; five each, or something is wrong. */
  paid: number[];
  callbacks: number;
  duplicatePresses: number;
}

const TASKS = 5;
const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }];
/** Nobody's flow takes this long: what is not done by then never will be. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 20;

await answer(async () => {
  const clock = {
    now: () => performance.timeOrigin + performance.now(),
    setTimer(run: () => void, delayMs: number) {
      const timer = setTimeout(run, Math.max(0, delayMs));
      return () => clearTimeout(timer);
    },
  };
  // Every picture is there at once: what is measured is what stands between its callbacks and the next submission.
  const simulator = await startSimulator({ speed: 0, clock });
  const posted = watchPosts(clock.now);
  const book = createBook(simulator, posted);
  return {
    ready: { vendorUrl: simulator.baseUrl("simulator") } as Ran,
    ask: (run: Run) => drive(run, book, simulator),
    stop: () => simulator.stop(),
  };
});

/** When the last callback to each address went out. A task's callbacks are posted in order: the last is its end. */
function watchPosts(now: () => number): Map<string, number> {
  const posted = new Map<string, number>();
  subscribe("http.client.request.start", (message) => {
    posted.set((message as { request: ClientRequest }).request.path, now());
  });
  return posted;
}

interface Flow {
  paid: number;
  ended: number;
  followUpMs: number[];
  done: PromiseWithResolvers<void>;
}
interface Book {
  open(prompt: string): Flow;
  clear(): void;
}

/** Reads each new row of the vendor's ledger once, and knows which flow it belongs to. */
function createBook(simulator: Simulator, posted: ReadonlyMap<string, number>): Book {
  const byPrompt = new Map<string, Flow>();
  const byRoot = new Map<string, Flow>();
  let seen = 0;
  const rootOf = (taskId: string) => simulator.task(taskId)?.parentId ?? taskId;

  function submitted(taskId: string, parentId: string | null, prompt: string | null, at: number): void {
    const flow = parentId === null ? byPrompt.get(prompt ?? "") : byRoot.get(parentId);
    if (!flow) return;
    flow.paid++;
    if (parentId === null) return void byRoot.set(taskId, flow);
    const { pathname } = new URL(simulator.task(parentId)!.notifyHook!);
    flow.followUpMs.push(at - posted.get(pathname)!);
  }

  function look(): void {
    const { submissions, callbacks } = simulator.ledger();
    const before = seen;
    for (const row of newer(submissions, before)) {
      seen = Math.max(seen, row.seq);
      if (row.taskId !== null) submitted(row.taskId, row.parentId, row.prompt, row.at);
    }
    for (const row of newer(callbacks, before)) {
      seen = Math.max(seen, row.seq);
      if (row.status !== "SUCCESS" || row.outcome !== "delivered") continue;
      const flow = byRoot.get(rootOf(row.taskId));
      if (flow && ++flow.ended === TASKS) flow.done.resolve();
    }
  }

  // The predicate is asked at every row, which is all that is wanted of it.
  simulator.waitFor(
    () => {
      look();
      return false;
    },
    2 ** 31 - 1,
  );
  return {
    open(prompt) {
      const flow = { paid: 0, ended: 0, followUpMs: [], done: Promise.withResolvers<void>() };
      byPrompt.set(prompt, flow);
      return flow;
    },
    clear() {
      byPrompt.clear();
      byRoot.clear();
    },
  };
}

/** The rows after a number, newest first: ledgers are long, and nearly all of it is known. */
function* newer<T extends { seq: number }>(rows: readonly T[], after: number): Generator<T> {
  for (let i = rows.length - 1; i >= 0 && rows[i]!.seq > after; i--) yield rows[i]!;
}

async function drive({ url, key, flows, concurrency }: Run, book: Book, simulator: Simulator): Promise<Ran> {
  const before = simulator.ledger().counts;
  const [callbacks, duplicatePresses] = [before.callbacks, before.duplicatePresses];
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const begun = performance.now();
  const all: Flow[] = [];
  const ids: string[] = [];
  const one = async () => {
    while (all.length < flows) {
      const prompt = `a paper boat on calm water, ${crypto.randomUUID()}`;
      const flow = book.open(prompt);
      all.push(flow);
      const body = JSON.stringify({ provider: "simulator", prompt, then: PLAN });
      const response = await fetch(`${url}/v1/flows`, { method: "POST", headers, body });
      if (response.status !== 202) throw new Error(`a flow was answered ${response.status}`);
      ids.push(((await response.json()) as { id: string }).id);
      await within(flow.done.promise);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  // Told of is not yet done: what a system has put off is part of its work.
  const rest = [...ids];
  const look = async () => {
    for (let id = rest.pop(); id !== undefined; id = rest.pop()) await completed(`${url}/v1/flows/${id}`, headers);
  };
  await Promise.all(Array.from({ length: concurrency }, look));
  const seconds = (performance.now() - begun) / 1_000;
  book.clear();
  const { counts } = simulator.ledger();
  return {
    vendorUrl: "",
    seconds,
    followUpMs: all.flatMap((flow) => flow.followUpMs),
    paid: all.map((flow) => flow.paid),
    callbacks: counts.callbacks - callbacks,
    duplicatePresses: counts.duplicatePresses - duplicatePresses,
  };
}

async function completed(url: string, headers: Record<string, string>): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < PATIENCE_MS; ) {
    const { status } = (await (await fetch(url, { headers })).json()) as { status: string };
    if (status === "completed") return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error("a flow whose pictures are all there is not completed");
}

function within(promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("a flow does not end")), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
