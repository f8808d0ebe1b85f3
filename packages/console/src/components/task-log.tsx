/** The event log of a task, with the webhooks of its events. */
import type { Task } from "@mjflow/client";
import { useQuery } from "@tanstack/react-query";
import { useNow } from "../hooks.ts";
import { usd } from "../lib/money.ts";
import { type LogEntry, taskLogOf } from "../lib/task-log.ts";
import { clock, duration } from "../lib/time.ts";
import { toMjflowError, useApiCapabilities } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { Problem } from "./problem.tsx";
import { toneOf } from "./status.tsx";

/** Deliveries follow the end of a task within seconds. */
const REFRESH_MS = 4_000;

/** @param cost estimated cost of the task, USD */
export function TaskLog({ task, cost }: { task: Task; cost: number }) {
  const mjflow = useMjflow();
  const { can } = useApiCapabilities();
  const now = useNow(1_000);
  const { flowId } = task;
  const { data, error } = useQuery({
    queryKey: ["deliveries", { flow: flowId }],
    queryFn: () => mjflow.deliveries.list({ flow: flowId, limit: 100 }).page(),
    enabled: can("GET", "/v1/deliveries"),
    refetchInterval: REFRESH_MS,
  });
  const log = taskLogOf(task, data?.data ?? [], cost, new Date(now).toISOString());
  return (
    <>
      {error && <Problem error={toMjflowError(error)} />}
      <ol className="task-log small">
        {log.map((entry, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries have no id, and a new one is added in its place
          <li key={i}>
            <time dateTime={entry.at} className="number faint">
              {clock(entry.at)}
            </time>
            <span>{textOf(entry)}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function textOf(entry: LogEntry): string {
  const words = t.task.log;
  switch (entry.kind) {
    case "submit":
      return words.submit(entry.provider);
    case "accepted":
      return words.accepted(entry.vendorTaskId ?? "", entry.attempts);
    case "callbacks":
      return words.callbacks(entry.count, entry.lookups);
    case "ended":
      return words.ended(toneOf(entry.status)[1]);
    case "cost":
      return words.cost(usd(entry.usd));
    case "webhook":
      return words.webhook(entry.type, entry.result, entry.tookMs === undefined ? "" : duration(entry.tookMs));
  }
}
