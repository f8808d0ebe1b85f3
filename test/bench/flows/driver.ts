/**
 * The vendor and the app, in one process that is the same for every system. The driver sends plans, keeps a number of
 * flows running and measures at the vendor. A flow is done when the vendor got a 2xx response to the SUCCESS callback
 * of each of its five tasks. Therefore no system is polled during the measurement.
 *
 * "Callback to follow-up" is the time from sending the SUCCESS callback of the imagine until a follow-up's submission
 * arrives. Both times are from the clock of this process.
 */
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { type Simulator, startSimulator } from "@mjflow/simulator/server";
import { answer } from "../child.ts";

export interface Run {
  url: string;
  key: string;
  flows: number;
  /** Number of concurrent flows. */
  concurrency: number;
}

export interface Ran {
  vendorUrl: string;
  seconds: number;
  followUpMs: number[];
  /** Number of paid images of each flow; correct is five. */
  paid: number[];
  callbacks: number;
  duplicatePresses: number;
}

const TASKS = 5;
const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }];
/** Time after which an unfinished flow is treated as lost, ms. */
const FLOW_TIMEOUT_MS = 120_000;
const PAUSE_MS = 20;

await answer(async () => {
  const clock = {
    now: () => performance.timeOrigin + performance.now(),
    setTimer(run: () => void, delayMs: number) {
      const timer = setTimeout(run, Math.max(0, delayMs));
      return () => clearTimeout(timer);
    },
  };
  // The vendor finishes every image immediately, so only the time between a callback and the next submission is
  // measured.
  const simulator = await startSimulator({ speed: 0, clock });
  const posted = watchPosts(clock.now);
  const book = createBook(simulator, posted);
  return {
    ready: { vendorUrl: simulator.baseUrl("simulator") } as Ran,
    ask: (run: Run) => drive(run, book, simulator),
    stop: () => simulator.stop(),
  };
});

/** Time of the last callback to each URL. The callbacks of a task are sent in order, so the last one is its end. */
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

/** Reads each new row of the vendor's ledger once and assigns it to its flow. */
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

  function readLedger(): void {
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

  // The simulator calls this predicate for every new row. It never becomes true.
  simulator.waitFor(
    () => {
      readLedger();
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

/** The rows after a sequence number, newest first, because nearly all rows of the long ledger were already read. */
function* newer<T extends { seq: number }>(rows: readonly T[], after: number): Generator<T> {
  for (let i = rows.length - 1; i >= 0 && rows[i]!.seq > after; i--) yield rows[i]!;
}

async function drive({ url, key, flows, concurrency }: Run, book: Book, simulator: Simulator): Promise<Ran> {
  const before = simulator.ledger().counts;
  const [callbacks, duplicatePresses] = [before.callbacks, before.duplicatePresses];
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const startedAt = performance.now();
  const all: Flow[] = [];
  const ids: string[] = [];
  const sendNext = async () => {
    while (all.length < flows) {
      const prompt = `a paper boat on calm water, ${crypto.randomUUID()}`;
      const flow = book.open(prompt);
      all.push(flow);
      const body = JSON.stringify({ provider: "simulator", prompt, then: PLAN });
      const response = await fetch(`${url}/v1/flows`, { method: "POST", headers, body });
      if (response.status !== 202) throw new Error(`The request for a flow got the status ${response.status}`);
      ids.push(((await response.json()) as { id: string }).id);
      await within(flow.done.promise);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendNext));
  // After the last callback a system may still have postponed work, which belongs to the measured time.
  const rest = [...ids];
  const waitForNext = async () => {
    for (let id = rest.pop(); id !== undefined; id = rest.pop()) await completed(`${url}/v1/flows/${id}`, headers);
  };
  await Promise.all(Array.from({ length: concurrency }, waitForNext));
  const seconds = (performance.now() - startedAt) / 1_000;
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
  for (const startedAt = performance.now(); performance.now() - startedAt < FLOW_TIMEOUT_MS; ) {
    const { status } = (await (await fetch(url, { headers })).json()) as { status: string };
    if (status === "completed") return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error("A flow with all its images did not complete");
}

function within(promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("A flow did not end")), FLOW_TIMEOUT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
