/**
 * A process of vitest that outlives a run. Vitest starts a new process for each run and loads all modules again, which takes longer
 * than the tests of most mutants. Stryker's switch for the active mutant is a global variable, so the loaded modules serve them all.
 */
import { ForksPoolWorker, type PoolOptions, type PoolWorker } from "vitest/node";

export const POOL = "warm-forks";

/** A process keeps a listener of each run, and what the tests leave in memory. */
const MAX_RUNS = 60;

type Listener = (...args: unknown[]) => void;

interface Kept {
  forks: ForksPoolWorker;
  runs: number;
  isDead: boolean;
}

let kept: Kept | undefined;
/** The process whose run has not ended. */
let running: Kept | undefined;

/** Whether the next run finds loaded modules. */
export function isWarm(): boolean {
  return kept !== undefined && !kept.isDead;
}

/** Ends the process. The next run starts a new one. */
export async function endWarmWorker(): Promise<void> {
  const last = kept;
  kept = undefined;
  if (last && !last.isDead) await last.forks.stop();
}

/** Kills the process of a run that does not end. The run then ends with an error. */
export async function killWarmWorker(): Promise<void> {
  if (running && !running.isDead) await running.forks.stop();
}

export function createWarmWorker(options: PoolOptions): PoolWorker {
  const own: Kept = isWarm() ? kept! : { forks: new ForksPoolWorker(options), runs: 0, isDead: false };
  kept = undefined;
  const listeners: [string, Listener][] = [];
  let isGraceful = false;
  return {
    name: POOL,
    cacheFs: own.forks.cacheFs,
    on(event, listener) {
      listeners.push([event, listener]);
      own.forks.on(event, listener);
    },
    off(event, listener) {
      own.forks.off(event, listener);
    },
    send(message) {
      if (message.type !== "stop") return own.forks.send(message);
      isGraceful = true;
      for (const [event, listener] of listeners)
        if (event === "message") listener({ type: "stopped", __vitest_worker_response__: true });
    },
    deserialize: (data) => own.forks.deserialize(data),
    async start() {
      own.runs += 1;
      running = own;
      if (own.runs > 1) return;
      await own.forks.start();
      own.forks.on("exit", () => {
        own.isDead = true;
      });
    },
    async stop() {
      running = undefined;
      if (own.isDead) return;
      for (const [event, listener] of listeners) own.forks.off(event, listener);
      if (isGraceful && own.runs < MAX_RUNS) kept = own;
      else await own.forks.stop();
    },
  };
}
