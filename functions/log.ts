/**
 * One structured line per event, and the invocation's counters as one CloudWatch embedded-metric line (no call, no
 * agent). Fields are our own ids and short words; tokens, keys, hook and image URLs have no business here.
 */
import type { Log, Metric } from "@mjflow/core/port";

const LEVELS = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;
export type Level = keyof typeof LEVELS;

export interface FunctionLog extends Log {
  /**
   * Writes what was counted since it last did; called once per invocation. What is counted at every callback is held back
   * for a while, for a line each would cost more than all else that is logged; a container that ends takes a few along.
   */
  flush(): void;
}

/** Counted all the time, and in no alarm. */
const FREQUENT: ReadonlySet<string> = new Set<Metric>(["Callbacks", "CallbacksDropped"]);
const HELD_MS = 30_000;

export function createLog({
  name,
  level,
  stage,
  write = (line) => process.stdout.write(`${line}\n`),
  now = Date.now,
}: {
  name: string;
  level: Level;
  /** Whose metrics these are: an account may hold several stages. Undefined: nobody's, and none are written. */
  stage?: string | undefined;
  write?: (line: string) => void;
  now?: () => number;
}): FunctionLog {
  let counts: Partial<Record<Metric, number>> = {};
  let writtenAt = Number.NEGATIVE_INFINITY;
  const line = (at: Level, event: string, fields: Record<string, unknown> = {}) => {
    if (LEVELS[at] < LEVELS[level]) return;
    write(JSON.stringify({ time: new Date(now()).toISOString(), level: at, function: name, event, ...fields }));
  };
  return {
    info: (event, fields) => line("info", event, fields),
    warn: (event, fields) => line("warn", event, fields),
    error: (event, fields) => line("error", event, fields),
    count(metric, by = 1) {
      if (by !== 0) counts[metric] = (counts[metric] ?? 0) + by;
    },
    flush() {
      const names = Object.keys(counts);
      if (stage === undefined || names.length === 0) return;
      if (now() - writtenAt < HELD_MS && names.every((name) => FREQUENT.has(name))) return;
      const counted = counts;
      counts = {};
      writtenAt = now();
      const definition = {
        Namespace: "mjflow",
        Dimensions: [["Stage", "Function"]],
        Metrics: names.map((metric) => ({ Name: metric, Unit: "Count" })),
      };
      const _aws = { Timestamp: now(), CloudWatchMetrics: [definition] };
      write(JSON.stringify({ _aws, Stage: stage, Function: name, ...counted }));
    },
  };
}
