/**
 * Writes one JSON line per event, and the counters of an invocation as one line in CloudWatch's embedded metric format,
 * which needs no API call and no agent. Fields contain only our own ids and short texts. They must never contain
 * tokens, keys, webhook URLs or image URLs.
 */
import type { Log, Metric } from "@mjflow/core/port";

const LEVELS = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;
export type Level = keyof typeof LEVELS;

export interface FunctionLog extends Log {
  /**
   * Writes the counts since the last written line. Each invocation calls it once. The counts of healthy flows
   * alone are written at most every 30 s: a line per invocation would cost more than all other logging. A container that stops
   * loses those of its last 30 s.
   */
  flush(): void;
}

/**
 * The counts of a healthy flow. No alarm rises with them: `Submissions` is only the whole of a share. Anything else that an
 * invocation counts writes these too.
 */
const USUAL: ReadonlySet<string> = new Set<Metric>([
  "Callbacks",
  "CallbacksDropped",
  "Deliveries",
  "FlowsEnded",
  "FollowUps",
  "Submissions",
  "Told",
]);
const USUAL_INTERVAL_MS = 30_000;

export function createLog({
  name,
  level,
  stage,
  write = (line) => process.stdout.write(`${line}\n`),
  now = Date.now,
}: {
  name: string;
  level: Level;
  /** Stage of the metrics, because one AWS account can have several stages. Undefined: no metrics are written. */
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
      if (now() - writtenAt < USUAL_INTERVAL_MS && names.every((name) => USUAL.has(name))) return;
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
