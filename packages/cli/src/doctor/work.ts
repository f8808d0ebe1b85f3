/** What has got stuck: letters, deliveries, flows. Pure. */
import type { DeadLetter, Delivery, Endpoint, FlowSummary } from "@mjflow/client";
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
