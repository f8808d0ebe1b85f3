import type { DeliveryStatus, FlowStatus, TaskStatus } from "@mjflow/client";

type Tone = "wait" | "run" | "ok" | "bad" | "ask" | "off";

const TASK: Record<TaskStatus, [Tone, string]> = {
  PENDING: ["wait", "waiting"],
  SUBMITTING: ["wait", "submitting"],
  SUBMITTED: ["run", "submitted"],
  IN_PROGRESS: ["run", "drawing"],
  MODAL: ["ask", "asks for input"],
  UNCLEAR: ["ask", "unclear"],
  SUCCESS: ["ok", "done"],
  FAILURE: ["bad", "failed"],
  CANCEL: ["off", "cancelled"],
  EXPIRED: ["bad", "expired"],
};
const OTHER: Record<FlowStatus | DeliveryStatus, [Tone, string]> = {
  running: ["run", "running"],
  completed: ["ok", "completed"],
  failed: ["bad", "failed"],
  canceled: ["off", "cancelled"],
  pending: ["wait", "pending"],
  delivered: ["ok", "delivered"],
};

const MARKS: Record<Tone, string> = { wait: "○", run: "◐", ok: "✓", bad: "✕", ask: "?", off: "–" };

/** In words and with a mark: never by colour alone. A server may be newer than this page. */
export function Status({ of }: { of: TaskStatus | FlowStatus | DeliveryStatus }) {
  const [tone, words] = toneOf(of);
  return (
    <span className={`status ${tone}`}>
      <span aria-hidden="true">{MARKS[tone]}</span> <span className="words">{words}</span>
    </span>
  );
}

export function toneOf(of: string): [Tone, string] {
  const known: Record<string, [Tone, string]> = { ...TASK, ...OTHER };
  return Object.hasOwn(known, of) ? known[of]! : ["off", of.toLowerCase()];
}

export function isEnded(status: TaskStatus): boolean {
  return status === "SUCCESS" || status === "FAILURE" || status === "CANCEL" || status === "EXPIRED";
}
