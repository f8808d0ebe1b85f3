/** What has got stuck: letters, deliveries, flows. Pure. */
import type { DeadLetter, Delivery, Endpoint, FlowSummary, Overdue, QueueDepth, Unclear } from "@mjflow/client";
import { clean } from "../text.ts";
import { span } from "../time.ts";
import type { Finding } from "./finding.ts";

/** The longest deadline of a task is an hour and a half; what runs for a day waits for something that does not come. */
export const OVERDUE_MS = 24 * 3_600_000;

export function judgeLetters(letters: readonly DeadLetter[]): Finding {
  const kept = letters.filter(({ state }) => state === "kept").length;
  if (kept === 0) return { level: "ok", about: "dead letters", what: "none" };
  const advice = "`mjflow dead` shows them; `mjflow redrive` sends one again, `mjflow drop` lets it go.";
  return { level: "warn", about: "dead letters", what: `${kept} to decide on`, advice };
}

export function judgeEndpoints(endpoints: readonly Endpoint[]): Finding[] {
  const advice = "Mend the receiver, then `mjflow endpoints enable` and `mjflow replay` it.";
  const ill = endpoints.flatMap(({ id, enabled, disabledWhy, failingSince }): Finding[] => {
    if (!enabled && disabledWhy !== "by_app") {
      return [
        {
          level: "bad",
          about: id,
          what: `switched off: ${disabledWhy === "gone" ? "it answered 410" : "nothing but failures"}`,
          advice,
        },
      ];
    }
    return enabled && failingSince !== null
      ? [{ level: "warn", about: id, what: `fails since ${clean(failingSince)}`, advice }]
      : [];
  });
  return ill.length > 0
    ? ill
    : [
        {
          level: "ok",
          about: "endpoints",
          what: endpoints.length === 0 ? "none" : `${endpoints.length}, none of them failing`,
        },
      ];
}

export function judgeDeliveries(failed: readonly Delivery[]): Finding {
  if (failed.length === 0) return { level: "ok", about: "deliveries", what: "none failed lately" };
  const advice = "`mjflow deliveries --status failed` shows them; `mjflow replay` sends them again.";
  return { level: "warn", about: "deliveries", what: `${failed.length} given up`, advice };
}

export function judgeFlows(running: readonly FlowSummary[], nowMs: number): Finding {
  const overdue = running.filter(({ createdAt }) => nowMs - Date.parse(createdAt) > OVERDUE_MS);
  if (overdue.length === 0) return { level: "ok", about: "flows", what: `${running.length} running, none overdue` };
  const oldest = overdue.reduce((a, b) => (a.createdAt < b.createdAt ? a : b));
  const age = span(nowMs - Date.parse(oldest.createdAt));
  const advice = `\`mjflow flow ${oldest.id}\` shows what it waits for.`;
  return {
    level: "warn",
    about: "flows",
    what: `${overdue.length} running for over a day, the oldest for ${age}`,
    advice,
  };
}

/** The sweeper runs each minute, and takes 800 at a time: what has been due for five was passed over. */
export const SWEPT_MS = 5 * 60_000;

export function judgeOverdue({ count, whole, oldest }: Overdue, nowMs: number): Finding {
  const about = "overdue";
  const lateMs = oldest === null ? 0 : nowMs - Date.parse(oldest.dueAt);
  if (oldest === null || lateMs <= SWEPT_MS)
    return { level: "ok", about, what: count === 0 ? "nothing" : `${count}, to be swept within the minute` };
  const what = `${count}${whole ? "" : " and more"}, the oldest for ${span(lateMs)}`;
  return { level: "bad", about, what, advice: `The sweeper does not run, or cannot keep up. The oldest: ${oldest.id}` };
}

export function judgeUnclear({ data, whole }: Unclear): Finding {
  const about = "in doubt";
  if (data.length === 0) return { level: "ok", about, what: "no submission" };
  const vendors = [...new Set(data.map(({ provider, account }) => clean(`${provider}/${account}`)))].join(", ");
  const advice = "Their callbacks are awaited before anything is sent again; a vendor that leaves many is in trouble.";
  return { level: "warn", about, what: `${data.length}${whole ? "" : " and more"}, at ${vendors}`, advice };
}

/** Messages that failed every time are buried within seconds: those that stay there cannot be. */
export function judgeQueues(depths: readonly QueueDepth[]): Finding {
  const about = "queues";
  const dead = depths.find(({ name }) => name === "dead-letters")?.waiting ?? 0;
  if (dead > 0)
    return { level: "bad", about, what: `${dead} dead letters are not buried`, advice: "See the log of Deadletter." };
  const told = depths.filter(({ name }) => name !== "dead-letters").map(({ name, waiting }) => `${name} ${waiting}`);
  return { level: "ok", about, what: `waiting: ${told.join(", ")}` };
}
