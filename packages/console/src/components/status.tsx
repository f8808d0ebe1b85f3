import type { DeliveryStatus, FlowStatus, TaskStatus } from "@mjflow/client";

type Tone = "wait" | "run" | "ok" | "bad" | "ask" | "off";

const TASK: Record<TaskStatus, [Tone, string]> = {
  PENDING: ["wait", "waiting"],
  SUBMITTING: ["wait", "submitting"],
  SUBMITTED: ["run", "submitted"],
  IN_PROGRESS: ["run", "drawing"],
  MODAL: ["ask", "needs input"],
  UNCLEAR: ["ask", "unclear"],
  SUCCESS: ["ok", "done"],
  FAILURE: ["bad", "failed"],
  CANCEL: ["off", "canceled"],
  EXPIRED: ["bad", "expired"],
};
const OTHER: Record<FlowStatus | DeliveryStatus, [Tone, string]> = {
  running: ["run", "running"],
  completed: ["ok", "completed"],
  failed: ["bad", "failed"],
  canceled: ["off", "canceled"],
  pending: ["wait", "pending"],
  delivered: ["ok", "delivered"],
  parked: ["wait", "parked"],
};

const MARKS: Record<Tone, string> = { wait: "○", run: "◐", ok: "✓", bad: "✕", ask: "?", off: "–" };

/** A status as text with a mark, never by color alone. */
export function Status({ of }: { of: TaskStatus | FlowStatus | DeliveryStatus }) {
  const [tone, words] = toneOf(of);
  return (
    <span className={`status ${tone}`}>
      <span aria-hidden="true">{MARKS[tone]}</span> <span className="words">{words}</span>
    </span>
  );
}

/** Returns tone and label of a status. An unknown status, from a server newer than this page, is shown in lower case. */
export function toneOf(of: string): [Tone, string] {
  const known: Record<string, [Tone, string]> = { ...TASK, ...OTHER };
  return Object.hasOwn(known, of) ? known[of]! : ["off", of.toLowerCase()];
}

export function isEnded(status: TaskStatus): boolean {
  return status === "SUCCESS" || status === "FAILURE" || status === "CANCEL" || status === "EXPIRED";
}
