/**
 * One structured line per event, and the invocation's counters as one CloudWatch embedded-metric line (no call, no
 * agent). Fields are our own ids and short words; tokens, keys, hook and image URLs have no business here.
 */
import type { Log, Metric } from "@mjflow/core/port";

const LEVELS = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;
export type Level = keyof typeof LEVELS;

export interface FunctionLog extends Log {
  /** Writes what was counted since the last flush; called once per invocation. */
  flush(): void;
}

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
      const counted = counts;
      counts = {};
      const names = Object.keys(counted);
      if (stage === undefined || names.length === 0) return;
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
