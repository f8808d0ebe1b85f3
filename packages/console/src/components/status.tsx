import type { DeliveryStatus, FlowStatus, PlanStep, TaskStatus } from "@mjflow/client";
import { Icon } from "../kit/icon.tsx";
import { t } from "../text/text.ts";

type Tone = "wait" | "run" | "ok" | "bad" | "ask" | "off";

const TASK: Record<TaskStatus, Tone> = {
  PENDING: "wait",
  SUBMITTING: "wait",
  SUBMITTED: "run",
  IN_PROGRESS: "run",
  MODAL: "ask",
  UNCLEAR: "ask",
  SUCCESS: "ok",
  FAILURE: "bad",
  CANCEL: "off",
  EXPIRED: "bad",
};
const OTHER: Record<FlowStatus | DeliveryStatus | "planned" | "skipped", Tone> = {
  running: "run",
  completed: "ok",
  failed: "bad",
  canceled: "off",
  pending: "wait",
  delivered: "ok",
  parked: "wait",
  planned: "wait",
  skipped: "off",
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

/** The icon of a status alone, where the name of the control says the status. */
export function StatusIcon({ of }: { of: AnyStatus }) {
  const [tone] = toneOf(of);
  return <Icon name={ICONS[tone]} size="tiny" className={`status ${tone}${tone === "run" ? " spin" : ""}`} />;
}

/** Returns tone and label of a status. An unknown status, from a server newer than this page, is shown in lower case. */
export function toneOf(of: string): [Tone, string] {
  const tones: Record<string, Tone> = { ...TASK, ...OTHER };
  const words: Record<string, string> = t.status;
  return Object.hasOwn(tones, of) ? [tones[of]!, words[of] ?? of.toLowerCase()] : ["off", of.toLowerCase()];
}

export function isEnded(status: TaskStatus): boolean {
  return status === "SUCCESS" || status === "FAILURE" || status === "CANCEL" || status === "EXPIRED";
}
