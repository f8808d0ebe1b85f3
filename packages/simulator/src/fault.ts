/**
 * Faults that can be armed: each spoils the next `times` matching events and counts what it spoiled, so a test can
 * prove that its fault happened. Owns matching and counting; what a fault does lives where it strikes.
 */
import { isProviderId, type ProviderId, type Verb } from "./dialect.ts";
import { field, isFields } from "./json.ts";
import { type Action, isEnded, type Status } from "./task.ts";

/** Where each kind strikes. The README's table is made of these. */
export const FAULT_KINDS = {
  "lose-callback": "callback",
  "copy-callback": "callback",
  "shuffle-callbacks": "callback",
  "late-callback": "callback",
  "progress-after-success": "callback",
  "failure-after-success": "callback",
  "early-callback": "submit",
  "accept-then-drop": "submit",
  "accept-then-hang": "submit",
  "drop-before-accept": "submit",
  "answer-5xx": "submit",
  "answer-garbage": "submit",
  "answer-429": "submit",
  "queue-full": "submit",
  "not-success": "submit",
  "fail-task": "submit",
  "slow-answer": "answer",
  "lookup-5xx": "lookup",
  "lookup-missing": "lookup",
} as const;
export type FaultKind = keyof typeof FAULT_KINDS;

export interface FaultSpec {
  id?: string;
  kind: FaultKind;
  /** Matching: what is left out matches everything. */
  provider?: ProviderId;
  verb?: Verb;
  action?: Action;
  /** Callback faults: only callbacks with this status. early-callback: the last one that comes early. */
  status?: Status | "terminal";
  times?: number;
  /** late-callback, slow-answer. */
  delayMs?: number;
  /** copy-callback: how many more than one. */
  copies?: number;
  /** answer-5xx, lookup-5xx. */
  httpStatus?: number;
  /** answer-5xx, answer-garbage: the task was created before the answer broke. */
  accepted?: boolean;
}

export interface ArmedFault extends Required<Pick<FaultSpec, "id" | "kind" | "times">>, FaultSpec {
  id: string;
  times: number;
  /** How often it has struck so far; the object stays live after it is used up. */
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
  /** The first armed fault of these kinds that matches, counted as fired. */
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
      const fault = armed.find((one) => one.fired < one.times && kinds.includes(one.kind) && matches(one, event));
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

/** Checks a fault from the control API. Answers the problem in a sentence. */
export function parseFault(input: unknown): FaultSpec | { problem: string } {
  if (!isFields(input)) return { problem: 'A fault is a JSON object, for example {"kind": "lose-callback"}.' };
  const odd = Object.keys(input).find((name) => !KNOWN.has(name));
  if (odd !== undefined) return { problem: `Unknown fault option "${odd}". Known: ${[...KNOWN].join(", ")}.` };
  const kind = field(input, "kind");
  if (typeof kind !== "string" || !Object.hasOwn(FAULT_KINDS, kind)) {
    return { problem: `"kind" is one of: ${Object.keys(FAULT_KINDS).join(", ")}.` };
  }
  const provider = field(input, "provider");
  if (provider !== undefined && !(typeof provider === "string" && isProviderId(provider))) {
    return { problem: `"provider" is not a vendor this simulator plays.` };
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
