/** What has got stuck: letters, deliveries, flows. Pure. */
import type { DeadLetter, Delivery, Endpoint, FlowSummary, Overdue, QueueDepth, Unclear } from "@mjflow/client";
import { stripControlCharacters } from "../text.ts";
import { span } from "../time.ts";
import type { Finding } from "./finding.ts";

/** The longest deadline of a task is an hour and a half; what runs for a day waits for something that does not come. */
export const OVERDUE_MS = 24 * 3_600_000;

export function checkDeadLetters(deadLetters: readonly DeadLetter[]): Finding {
  const kept = deadLetters.filter(({ state }) => state === "kept").length;
  if (kept === 0) return { level: "ok", subject: "dead letters", message: "none" };
  const advice = "`mjflow dead` shows them; `mjflow redrive` sends one again, `mjflow drop` lets it go.";
  return { level: "warn", subject: "dead letters", message: `${kept} to decide on`, advice };
}

export function checkEndpoints(endpoints: readonly Endpoint[]): Finding[] {
  const advice = "Mend the receiver, then `mjflow endpoints enable` and `mjflow replay` it.";
  const ill = endpoints.flatMap(({ id, enabled, disabledWhy, failingSince }): Finding[] => {
    if (!enabled && disabledWhy !== "by_app") {
      return [
        {
          level: "bad",
          subject: id,
          message: `switched off: ${disabledWhy === "gone" ? "it answered 410" : "nothing but failures"}`,
          advice,
        },
      ];
    }
    return enabled && failingSince !== null
      ? [{ level: "warn", subject: id, message: `fails since ${stripControlCharacters(failingSince)}`, advice }]
      : [];
  });
  return ill.length > 0
    ? ill
    : [
        {
          level: "ok",
          subject: "endpoints",
          message: endpoints.length === 0 ? "none" : `${endpoints.length}, none of them failing`,
        },
      ];
}

export function checkDeliveries(failed: readonly Delivery[]): Finding {
  if (failed.length === 0) return { level: "ok", subject: "deliveries", message: "none failed lately" };
  const advice = "`mjflow deliveries --status failed` shows them; `mjflow replay` sends them again.";
  return { level: "warn", subject: "deliveries", message: `${failed.length} given up`, advice };
}

export function checkFlows(running: readonly FlowSummary[], nowMs: number): Finding {
  const overdue = running.filter(({ createdAt }) => nowMs - Date.parse(createdAt) > OVERDUE_MS);
  if (overdue.length === 0)
    return { level: "ok", subject: "flows", message: `${running.length} running, none overdue` };
  const oldest = overdue.reduce((a, b) => (a.createdAt < b.createdAt ? a : b));
  const age = span(nowMs - Date.parse(oldest.createdAt));
  const advice = `\`mjflow flow ${oldest.id}\` shows what it waits for.`;
  return {
    level: "warn",
    subject: "flows",
    message: `${overdue.length} running for over a day, the oldest for ${age}`,
    advice,
  };
}

/** The sweeper runs each minute, and takes 800 at a time: what has been due for five was passed over. */
export const SWEEP_INTERVAL_MS = 5 * 60_000;

export function checkOverdue({ count, whole, oldest }: Overdue, nowMs: number): Finding {
  const about = "overdue";
  const lateMs = oldest === null ? 0 : nowMs - Date.parse(oldest.dueAt);
  if (oldest === null || lateMs <= SWEEP_INTERVAL_MS)
    return {
      level: "ok",
      subject: about,
      message: count === 0 ? "nothing" : `${count}, to be swept within the minute`,
    };
  const what = `${count}${whole ? "" : " and more"}, the oldest for ${span(lateMs)}`;
  return {
    level: "bad",
    subject: about,
    message: what,
    advice: `The sweeper does not run, or cannot keep up. The oldest: ${oldest.id}`,
  };
}

export function checkUnclear({ data, whole }: Unclear): Finding {
  const about = "in doubt";
  if (data.length === 0) return { level: "ok", subject: about, message: "no submission" };
  const vendors = [
    ...new Set(data.map(({ provider, account }) => stripControlCharacters(`${provider}/${account}`))),
  ].join(", ");
  const advice = "Their callbacks are awaited before anything is sent again; a vendor that leaves many is in trouble.";
  return { level: "warn", subject: about, message: `${data.length}${whole ? "" : " and more"}, at ${vendors}`, advice };
}

/** Messages that failed every time are buried within seconds: those that stay there cannot be. */
export function checkQueues(depths: readonly QueueDepth[]): Finding {
  const about = "queues";
  const dead = depths.find(({ name }) => name === "dead-letters")?.waiting ?? 0;
  if (dead > 0)
    return {
      level: "bad",
      subject: about,
      message: `${dead} dead letters are not buried`,
      advice: "See the log of Deadletter.",
    };
  const told = depths.filter(({ name }) => name !== "dead-letters").map(({ name, waiting }) => `${name} ${waiting}`);
  return { level: "ok", subject: about, message: `waiting: ${told.join(", ")}` };
}
