/**
 * A simulated vendor with its own ledger: requests, accepted (and charged) tasks, callbacks. It behaves like the servers
 * whose source was read: each callback is sent once, unsigned and in any order; no retry, no idempotency key.
 */
import type { Button } from "@mjflow/core/button";
import { type CallContext, LookupError, type Provider, type SubmitOutcome } from "@mjflow/core/port";
import type { Report, ReportStatus } from "@mjflow/core/report";
import type { FaultProfile } from "./fault-profile.ts";
import type { Rng } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** One task that the vendor accepted; one image to pay. */
export interface VendorTask {
  /** Sequence number within its account, so accounts have equal ids. */
  id: string;
  account: string;
  flowPart: string;
  path: string;
  attempt: number;
  at: number;
  customId?: string;
  parentId?: string;
  token: string;
  status: ReportStatus;
  endsAt: number;
  ends: "SUCCESS" | "FAILURE";
  /** True if the response to the submission reached mjflow. */
  answered: boolean;
  /** Time at which mjflow stored a callback of this task; unset: none yet. */
  confirmedAt?: number;
}

/**
 * False: not at all. True: the vendor searches by the `state` itself. Else it lists its newest tasks, and the account has
 * many tasks that are not ours: every list holds those of the last `reachMs` ms.
 */
export type SearchMode = boolean | { reachMs: number };

export interface VendorDeps {
  scheduler: Scheduler;
  rng: Rng;
  profile: FaultProfile;
  /** Whether submissions can be searched for by the `state` that we sent, and how. */
  searched: SearchMode;
  onAccepted(task: VendorTask): void;
  /** Sends one callback; the vendor ignores the response. */
  post(token: string, body: string, accepted: VendorTask): void;
  /** Sends a callback with an invalid token. */
  forge(token: string, body: string): void;
}

export interface Vendor {
  provider: Provider;
  accepted: VendorTask[];
  /** Presses of a missing customId or of an unfinished parent; these are faults of mjflow. */
  wrongPresses: string[];
  counts: { submissions: number; lookups: number; callbacks: number };
}

const IMAGINE_MS = 40_000;
const PRESS_MS = 15_000;

export function createVendor({ scheduler, rng, profile, searched, onAccepted, post, forge }: VendorDeps): Vendor {
  const accepted: VendorTask[] = [];
  const byId = new Map<string, VendorTask>();
  const find = (account: string, id: string) => byId.get(`${account}/${id}`);
  const wrongPresses: string[] = [];
  const counts = { submissions: 0, lookups: 0, callbacks: 0 };
  const silent = rng.chance(profile.silent);

  function report(task: VendorTask, status: ReportStatus, progress: number, delayMs: number): void {
    if (silent) return;
    const body = JSON.stringify(reportOf(task, status, progress));
    const deliver = (afterMs: number) => {
      if (rng.chance(profile.loseCallback)) return;
      const holdMs = rng.chance(profile.delayCallback) ? rng.int(10_000, 600_000) : 0;
      scheduler.at(afterMs + holdMs + rng.int(1, 2_000), () => {
        counts.callbacks++;
        post(task.token, body, task);
      });
    };
    deliver(delayMs);
    if (rng.chance(profile.copyCallback)) for (let i = rng.int(1, 5); i > 0; i--) deliver(delayMs);
    if (rng.chance(profile.forge)) scheduler.at(delayMs, () => forge(forgedFrom(task.token, rng), body));
  }

  /** Runs the task: SUBMITTED, progress, its end, and late reports as some servers send them. */
  function run(task: VendorTask, runMs: number): void {
    task.status = "SUBMITTED";
    task.endsAt = scheduler.now() + runMs;
    report(task, "SUBMITTED", 0, 50);
    for (const part of [0.3, 0.7]) report(task, "IN_PROGRESS", Math.round(part * 100), runMs * part);
    scheduler.at(runMs, () => {
      task.status = task.ends;
    });
    report(task, task.ends, 100, runMs);
    if (rng.chance(profile.progressAfterEnd)) report(task, "IN_PROGRESS", 93, runMs + 3_000);
    if (rng.chance(profile.contraryEnd))
      report(task, task.ends === "SUCCESS" ? "FAILURE" : "SUCCESS", 100, runMs + 5_000);
  }

  /** Decides whether a submission is accepted and whether the response reaches mjflow. */
  async function submit(
    { state, notifyHook: hook, account: { apiKey: account } }: CallContext,
    press?: { parentId: string; customId: string },
  ): Promise<SubmitOutcome> {
    counts.submissions++;
    if (rng.chance(profile.dropBefore)) return { kind: "unclear", reason: "request lost" };
    if (rng.chance(profile.busy)) return { kind: "busy", reason: "23" };
    if (rng.chance(profile.refuse)) return rejection();
    const [flowPart, path, attempt] = state.split("_") as [string, string, string];
    if (press) check(account, press);
    const nth = accepted.filter((other) => other.account === account).length;
    const task: VendorTask = {
      id: String(1_700_000_000_000_000 + nth),
      account,
      flowPart,
      path,
      attempt: Number(attempt),
      at: scheduler.now(),
      customId: press?.customId,
      parentId: press?.parentId,
      token: hook.split("/callbacks/")[1]!,
      status: "SUBMITTED",
      endsAt: 0,
      ends: rng.chance(profile.fail) ? "FAILURE" : "SUCCESS",
      answered: false,
    };
    accepted.push(task);
    onAccepted(task);
    byId.set(`${account}/${task.id}`, task);
    const opensModal = press !== undefined && rng.chance(profile.modal);
    if (opensModal) task.status = "MODAL";
    else run(task, press ? rng.int(PRESS_MS / 2, PRESS_MS * 2) : rng.int(IMAGINE_MS / 2, IMAGINE_MS * 2));
    if (rng.chance(profile.slowAnswer)) await scheduler.pause(rng.int(1_000, 120_000));
    if (rng.chance(profile.answerLost)) return { kind: "unclear", reason: "response lost" };
    task.answered = true;
    return opensModal ? { kind: "modal", vendorTaskId: task.id } : { kind: "accepted", vendorTaskId: task.id };
  }

  function check(account: string, { parentId, customId }: { parentId: string; customId: string }): void {
    const parent = find(account, parentId);
    const offered = parent ? buttonsOf(parent).some((button) => button.customId === customId) : false;
    // A vendor that reported a success and denies it later (contraryEnd) did offer the buttons.
    const ended = parent?.status === "SUCCESS" || (parent?.status === "FAILURE" && profile.contraryEnd > 0);
    if (!ended || !offered) wrongPresses.push(`${customId} on ${parentId}`);
  }

  async function answerModal(account: string, id: string): Promise<SubmitOutcome> {
    counts.submissions++;
    const task = find(account, id);
    if (rng.chance(profile.dropBefore)) return { kind: "unclear", reason: "request lost" };
    if (rng.chance(profile.busy)) return { kind: "busy", reason: "23" };
    if (!task) return rejection();
    if (task.status !== "MODAL") wrongPresses.push(`a second answer to the modal of ${id}`);
    else run(task, rng.int(PRESS_MS / 2, PRESS_MS * 2));
    if (rng.chance(profile.answerLost)) return { kind: "unclear", reason: "response lost" };
    return { kind: "accepted", vendorTaskId: id };
  }

  const provider: Provider = {
    id: "sim",
    title: "Simulated",
    capabilities: {
      notifyHook: "documented",
      listByCondition: true,
      searchByState: searched !== false,
      instantActions: [],
      rootActions: ["imagine"],
      modes: [],
      seed: false,
      imageLinks: true,
      swapLinks: true,
      unsupportedPresses: [],
    },
    submit: (_, context) => submit(context),
    press: ({ vendorTaskId, customId }, context) => submit(context, { parentId: vendorTaskId, customId }),
    modal: ({ vendorTaskId }, { account }) => answerModal(account.apiKey, vendorTaskId),
    async lookup(ids, { apiKey: account }) {
      counts.lookups++;
      if (rng.chance(profile.lookupFails)) throw new LookupError("502");
      const known = ids.flatMap((id) => find(account, id) ?? []).filter(() => !rng.chance(profile.lookupMissing));
      return { reports: known.map((task) => reportOf(task, task.status, 50)), requests: 1 };
    },
    async search(states, { apiKey: account }) {
      counts.lookups++;
      if (rng.chance(profile.lookupFails)) throw new LookupError("502");
      const wanted = new Set(states);
      const completeSince = typeof searched === "object" ? scheduler.now() - searched.reachMs : 0;
      const own = accepted.filter(
        (task) => task.account === account && wanted.has(stateOf(task)) && task.at >= completeSince,
      );
      const known = own.filter(() => !rng.chance(profile.lookupMissing));
      return {
        reports: known.map((task) => ({ ...reportOf(task, task.status, 50), state: stateOf(task) })),
        requests: 1,
        completeSince,
      };
    },
    readCallback: (body) => JSON.parse(body) as Report,
    seed: async () => undefined,
    upload: async () => ({ kind: "unclear", reason: "not simulated" }),
  };
  return { provider, accepted, wrongPresses, counts };
}

function rejection(): SubmitOutcome {
  return { kind: "refused", failure: { code: "banned_prompt", message: "banned" } };
}

function reportOf(task: VendorTask, status: ReportStatus, progress: number): Report {
  const result = status === "SUCCESS" ? { imageUrl: imageUrlOf(task), buttons: buttonsOf(task) } : {};
  return { vendorTaskId: task.id, status, progress, result };
}

function stateOf({ flowPart, path, attempt }: VendorTask): string {
  return `${flowPart}_${path}_${attempt}`;
}

export function imageUrlOf({ account, flowPart, path, attempt }: VendorTask): string {
  return `https://img.test/${account}/${flowPart}/${path}/${attempt}.png`;
}

/** Buttons contain the task id, which is equal at other accounts. So a press at the wrong account looks valid. */
export function buttonsOf({ id }: VendorTask): Button[] {
  const job = `00000000-0000-4000-8000-${id.slice(-12).padStart(12, "0")}`;
  const four = [1, 2, 3, 4];
  return [
    ...four.map((n) => ({ customId: `MJ::JOB::upsample::${n}::${job}`, label: `U${n}`, emoji: "" })),
    ...four.map((n) => ({ customId: `MJ::JOB::variation::${n}::${job}`, label: `V${n}`, emoji: "" })),
    { customId: `MJ::JOB::reroll::0::${job}::SOLO`, label: "", emoji: "🔄" },
  ];
}

/** Returns a real token with one character changed, in its claims or in its MAC. */
function forgedFrom(token: string, rng: Rng): string {
  const at = rng.int(2, token.length - 1);
  const other = token[at] === "1" ? "2" : "1";
  return token.slice(0, at) + other + token.slice(at + 1);
}
