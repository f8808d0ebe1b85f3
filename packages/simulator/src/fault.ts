/**
 * Faults. Each fault affects the next `times` matching events and counts them, so a test can prove that its fault
 * happened. This file matches and counts; the affected code implements the effect.
 */
import type { Verb } from "./dialect.ts";
import { field, isFields } from "./json.ts";
import { isProviderId, type ProviderId } from "./provider.ts";
import { type Action, isEnded, type Status } from "./task.ts";

/** Event that each kind affects. The README lists the same kinds. */
export const FAULT_KINDS = {
  "lose-callback": "callback",
  "copy-callback": "callback",
  "shuffle-callbacks": "callback",
  "late-callback": "callback",
  "progress-after-success": "callback",
  "failure-after-success": "callback",
  "failure-before-success": "callback",
  "image-after-success": "callback",
  "early-callback": "submit",
  "accept-then-drop": "submit",
  "accept-then-hang": "submit",
  "drop-before-accept": "submit",
  "answer-5xx": "submit",
  "answer-garbage": "submit",
  "answer-429": "submit",
  "answer-overloaded": "submit",
  "answer-challenge": "submit",
  "queue-full": "submit",
  "out-of-credit": "submit",
  "account-refused": "submit",
  "not-success": "submit",
  "fail-task": "submit",
  "slow-answer": "answer",
  "lookup-5xx": "lookup",
  "lookup-missing": "lookup",
  "lookup-error-200": "lookup",
  "lookup-page": "lookup",
} as const;
export type FaultKind = keyof typeof FAULT_KINDS;

/** Faults of look-ups. */
export const LOOKUP_FAULTS = ["lookup-5xx", "lookup-missing", "lookup-error-200", "lookup-page"] as const;

export interface FaultSpec {
  id?: string;
  kind: FaultKind;
  /** Conditions of the fault. An unset field matches every event. */
  provider?: ProviderId;
  verb?: Verb;
  action?: Action;
  /** Callback faults: only callbacks with this status. early-callback: the last status that is sent early. */
  status?: Status | "terminal";
  /** Number of events to affect. Default 1. */
  times?: number;
  /** Delay in ms for late-callback and slow-answer. Default 1,000. */
  delayMs?: number;
  /** Number of additional copies for copy-callback. Default 1. */
  copies?: number;
  /** HTTP status for answer-5xx and lookup-5xx. Default 500. */
  httpStatus?: number;
  /** True for answer-5xx and answer-garbage that create the task before the response breaks. */
  accepted?: boolean;
}

export interface ArmedFault extends Required<Pick<FaultSpec, "id" | "kind" | "times">>, FaultSpec {
  id: string;
  times: number;
  /** Number of affected events so far. The value is updated in place. */
  fired: number;
}

export interface FaultEvent {
  provider: ProviderId;
  verb?: Verb;
  action?: Action | null;
  status?: Status;
}

export interface Faults {
  arm(spec: FaultSpec): ArmedFault;
  all(): ArmedFault[];
  clear(): void;
  /** Returns the first matching fault of these kinds and counts it as fired; undefined if none matches. */
  take(kinds: readonly FaultKind[], event: FaultEvent): ArmedFault | undefined;
}

export function createFaults(): Faults {
  const armed: ArmedFault[] = [];
  let count = 0;
  return {
    arm(spec) {
      const fault: ArmedFault = { ...spec, id: spec.id ?? `fault_${++count}`, times: spec.times ?? 1, fired: 0 };
      armed.push(fault);
      return fault;
    },
    all: () => [...armed],
    clear: () => armed.splice(0),
    take(kinds, event) {
      const fault = armed.find((each) => each.fired < each.times && kinds.includes(each.kind) && matches(each, event));
      if (fault) fault.fired++;
      return fault;
    },
  };
}

function matches(fault: ArmedFault, event: FaultEvent): boolean {
  const early = fault.kind === "early-callback";
  return (
    (fault.provider === undefined || fault.provider === event.provider) &&
    (fault.verb === undefined || fault.verb === event.verb) &&
    (fault.action === undefined || fault.action === event.action) &&
    (early || event.status === undefined || fault.status === undefined || fits(fault.status, event.status))
  );
}

const fits = (wanted: Status | "terminal", status: Status): boolean =>
  wanted === "terminal" ? isEnded(status) : wanted === status;

const NUMBERS = ["times", "delayMs", "copies", "httpStatus"] as const;
const TEXTS = ["id", "verb", "action", "status"] as const;
const KNOWN = new Set<string>(["kind", "provider", "accepted", ...NUMBERS, ...TEXTS]);

/** Checks a fault from the control API. Returns the problem as a sentence if the fault is invalid. */
export function parseFault(input: unknown): FaultSpec | { problem: string } {
  if (!isFields(input)) return { problem: 'A fault is a JSON object, for example {"kind": "lose-callback"}.' };
  const unknown = Object.keys(input).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) return { problem: `Unknown fault option "${unknown}". Known: ${[...KNOWN].join(", ")}.` };
  const kind = field(input, "kind");
  if (typeof kind !== "string" || !Object.hasOwn(FAULT_KINDS, kind)) {
    return { problem: `"kind" is one of: ${Object.keys(FAULT_KINDS).join(", ")}.` };
  }
  const provider = field(input, "provider");
  if (provider !== undefined && !(typeof provider === "string" && isProviderId(provider))) {
    return { problem: `"provider" is not a vendor of this simulator.` };
  }
  for (const name of NUMBERS) {
    const value = field(input, name);
    if (value !== undefined && !(typeof value === "number" && Number.isInteger(value) && value >= 0)) {
      return { problem: `"${name}" is a whole number, 0 or more.` };
    }
  }
  if (Number(field(input, "copies") ?? 0) > 100) return { problem: `"copies" is at most 100.` };
  const httpStatus = Number(field(input, "httpStatus") ?? 500);
  if (httpStatus < 400 || httpStatus > 599) return { problem: `"httpStatus" is between 400 and 599.` };
  for (const name of TEXTS) {
    const value = field(input, name);
    if (value !== undefined && typeof value !== "string") return { problem: `"${name}" is a string.` };
  }
  const accepted = field(input, "accepted");
  if (accepted !== undefined && typeof accepted !== "boolean") return { problem: `"accepted" is true or false.` };
  return { ...input, kind } as FaultSpec;
}
