/** Checks for work that does not advance: dead-letter messages, deliveries, flows, queues. Pure. */
import type { DeadLetter, Delivery, Endpoint, Flow, FlowSummary, Overdue, QueueDepth, Unclear } from "@mjflow/client";
import { stripControlCharacters } from "../text.ts";
import { span } from "../time.ts";
import type { Finding } from "./finding.ts";

/**
 * A running flow is reported after 24 hours. The longest deadline of a task is 1.5 hours, so such a flow probably waits
 * for something that will not come.
 */
export const OVERDUE_MS = 24 * 3_600_000;

export function checkDeadLetters(deadLetters: readonly DeadLetter[]): Finding {
  const kept = deadLetters.filter(({ state }) => state === "kept").length;
  if (kept === 0) return { level: "ok", subject: "dead letters", message: "none" };
  const advice = "`mjflow dead-letters` lists them. `mjflow redrive` sends one again, `mjflow discard` discards it.";
  return { level: "warn", subject: "dead letters", message: `${kept} waiting for a decision`, advice };
}

export function checkEndpoints(endpoints: readonly Endpoint[]): Finding[] {
  const disabled =
    "Fix the receiver, then run `mjflow endpoints enable`: parked events are sent. `mjflow replay` sends those that failed.";
  const advice =
    "Fix the receiver: parked events are then sent by themselves. `mjflow replay` sends those that failed.";
  const failing = endpoints.flatMap(({ id, enabled, disabledWhy, failingSince }): Finding[] => {
    if (!enabled && disabledWhy !== "by_app") {
      return [
        {
          level: "bad",
          subject: id,
          message: `disabled: ${disabledWhy === "gone" ? "it responded with 410" : "every delivery failed"}`,
          advice: disabled,
        },
      ];
    }
    return enabled && failingSince !== null
      ? [{ level: "warn", subject: id, message: `failing since ${stripControlCharacters(failingSince)}`, advice }]
      : [];
  });
  return failing.length > 0
    ? failing
    : [
        {
          level: "ok",
          subject: "endpoints",
          message: endpoints.length === 0 ? "none" : `${endpoints.length}, none of them failing`,
        },
      ];
}

export function checkDeliveries(failed: readonly Delivery[]): Finding {
  if (failed.length === 0) return { level: "ok", subject: "deliveries", message: "none failed in the last 24 hours" };
  const advice = "`mjflow deliveries --status failed` lists them. `mjflow replay` sends them again.";
  return { level: "warn", subject: "deliveries", message: `${failed.length} failed permanently`, advice };
}

/** Checks the newest flows of the last day for images that could not be archived. */
export function checkArchive(flows: readonly Pick<Flow, "tasks">[]): Finding {
  const subject = "archive";
  const failed = flows.flatMap(({ tasks }) => tasks.flatMap((task) => task.copyFailures ?? []));
  if (failed.length === 0) return { level: "ok", subject, message: "no image failed in the newest flows" };
  const codes = [...new Set(failed.map(({ code }) => stripControlCharacters(code)))].join(", ");
  const advice =
    "`copyFailures` of the task has the reason of each image. The links of the vendor expire, so save what you need.";
  return { level: "warn", subject, message: `${failed.length} images without a copy: ${codes}`, advice };
}

export function checkFlows(running: readonly FlowSummary[], nowMs: number): Finding {
  const overdue = running.filter(({ createdAt }) => nowMs - Date.parse(createdAt) > OVERDUE_MS);
  if (overdue.length === 0)
    return { level: "ok", subject: "flows", message: `${running.length} running, none overdue` };
  const oldest = overdue.reduce((a, b) => (a.createdAt < b.createdAt ? a : b));
  const age = span(nowMs - Date.parse(oldest.createdAt));
  const advice = `\`mjflow flow ${oldest.id}\` shows its tasks.`;
  return {
    level: "warn",
    subject: "flows",
    message: `${overdue.length} running for over a day, the oldest for ${age}`,
    advice,
  };
}

/**
 * Rows that are due for longer than 5 minutes are reported. The sweeper runs each minute and handles 800 rows at a
 * time, so such a row was missed.
 */
export const OVERDUE_LIMIT_MS = 5 * 60_000;

export function checkOverdue({ count, whole, oldest }: Overdue, nowMs: number): Finding {
  const subject = "overdue";
  const lateMs = oldest === null ? 0 : nowMs - Date.parse(oldest.dueAt);
  if (oldest === null || lateMs <= OVERDUE_LIMIT_MS)
    return {
      level: "ok",
      subject,
      message: count === 0 ? "none" : `${count}, handled within a minute`,
    };
  const what = `${count}${whole ? "" : " or more"}, the oldest for ${span(lateMs)}`;
  return {
    level: "bad",
    subject,
    message: what,
    advice: `The sweeper does not run or cannot keep up. Oldest: ${oldest.id}`,
  };
}

export function checkUnclear({ data, whole }: Unclear): Finding {
  const subject = "unclear submissions";
  if (data.length === 0) return { level: "ok", subject, message: "none" };
  const vendors = [
    ...new Set(data.map(({ provider, account }) => stripControlCharacters(`${provider}/${account}`))),
  ].join(", ");
  const advice =
    "mjflow waits for their callbacks before it submits again. Many unclear submissions at one vendor mean that the vendor has a problem.";
  return { level: "warn", subject, message: `${data.length}${whole ? "" : " or more"}, at ${vendors}`, advice };
}

/**
 * The function Deadletter stores dead-letter messages within seconds. Messages that stay in the dead-letter queue could
 * not be stored.
 */
export function checkQueues(depths: readonly QueueDepth[]): Finding {
  const subject = "queues";
  const dead = depths.find(({ name }) => name === "dead-letters")?.waiting ?? 0;
  if (dead > 0)
    return {
      level: "bad",
      subject,
      message: `${dead} dead-letter messages were not processed`,
      advice: "Read the log of the function Deadletter.",
    };
  const lengths = depths.filter(({ name }) => name !== "dead-letters").map(({ name, waiting }) => `${name} ${waiting}`);
  return { level: "ok", subject, message: `waiting: ${lengths.join(", ")}` };
}
