import type { DeliveryStatus, FlowStatus, PlanStep, TaskStatus } from "@mjflow/client";
import { Icon } from "../kit/icon.tsx";

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
const OTHER: Record<FlowStatus | DeliveryStatus | "planned" | "skipped", [Tone, string]> = {
  running: ["run", "running"],
  completed: ["ok", "completed"],
  failed: ["bad", "failed"],
  canceled: ["off", "canceled"],
  pending: ["wait", "pending"],
  delivered: ["ok", "delivered"],
  parked: ["wait", "parked"],
  planned: ["wait", "planned"],
  skipped: ["off", "not started"],
};

const ICONS: Record<Tone, string> = {
  wait: "clock",
  run: "loader",
  ok: "check",
  bad: "circle-alert",
  ask: "circle-question-mark",
  off: "circle-slash",
};

type AnyStatus = TaskStatus | FlowStatus | DeliveryStatus | PlanStep["status"];

/** A status as text with an icon, never by color alone. @param isPill true for a colored ground */
export function Status({ of, isPill = false }: { of: AnyStatus; isPill?: boolean }) {
  const [tone, words] = toneOf(of);
  return (
    <span className={`status ${isPill ? "pill " : ""}${tone}`}>
      <Icon name={ICONS[tone]} size="tiny" {...(tone === "run" && { className: "spin" })} />{" "}
      <span className="words">{words}</span>
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
