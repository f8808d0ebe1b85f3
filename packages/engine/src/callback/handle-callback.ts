/**
 * Handles vendor callbacks. A callback is accepted only with a valid token (D1). The response is sent only after the
 * work of the callback is done (D3).
 *
 * About nine of ten callbacks report progress that no app requested. The token says so, therefore these callbacks need
 * no database call (D2). Every other callback costs one read and one conditional write. A success additionally writes
 * the rows of the follow-ups and sends one batch of messages.
 */
import type { CallbackClaims } from "@mjflow/core/callback-token";
import { needsWrite, type Report } from "@mjflow/core/report";
import type { Accounts } from "../account/account.ts";
import type { EngineDeps, ReadCallback } from "../deps.ts";
import { applySignal } from "../step/apply-signal.ts";
import { runEffects } from "../step/run-effects.ts";

type HandleCallbackDeps = Pick<
  EngineDeps,
  "store" | "queue" | "callbackTokens" | "clock" | "random" | "timings" | "log"
> & {
  accounts: Accounts;
  readCallback: ReadCallback;
  /** Runs work whose writes are durable when it ends, and not each of them on its own. Unset: each write is durable when it returns. */
  together?<T>(work: () => Promise<T>): Promise<T>;
};

export type CallbackResult =
  | { kind: "recorded"; moved: boolean }
  | { kind: "dropped" }
  | { kind: "unreadable" }
  /** The task is no longer stored. */
  | { kind: "gone" }
  | { kind: "refused"; why: "malformed" | "unknown-key" | "forged" | "expired" };

/** @throws if the table or the queue fails. We must not respond with 2xx before the report is durable. */
export async function handleCallback(deps: HandleCallbackDeps, token: string, body: string): Promise<CallbackResult> {
  const read = deps.callbackTokens.read(token, deps.clock.now());
  if (!read.ok) {
    deps.log.count("CallbacksRefused");
    return { kind: "refused", why: read.why };
  }
  const { claims } = read;
  const { flowId, path, provider, account } = claims;
  const report = await deps.readCallback(provider, body, { dropsSteps: !claims.progress });
  if (!report) {
    deps.log.warn("callback.unreadable", { flow: flowId, path, provider, bytes: body.length });
    return { kind: "unreadable" };
  }
  deps.log.count("Callbacks");
  // Records that the account sends callbacks. A failure here is only logged, because the report itself must be stored
  // in any case.
  if (!claims.calling) {
    await deps.accounts.recordCallback(provider, account).catch((error: unknown) => {
      deps.log.warn("account.health-not-saved", { provider, account, error: String(error) });
    });
  }
  if (!claims.progress && !needsWrite(report)) {
    deps.log.count("CallbacksDropped");
    return { kind: "dropped" };
  }
  const { together = (work) => work() } = deps;
  return together(() => record(deps, claims, body, report));
}

/** Stores a report and runs what follows from it. */
async function record(
  deps: HandleCallbackDeps,
  { flowId, path, provider, account, attempt }: CallbackClaims,
  body: string,
  read: Report,
): Promise<CallbackResult> {
  let report = read;
  const task = await deps.store.getTask({ flowId, path });
  if (!task) return { kind: "gone" };
  // Only the row knows the base of an image link without a host (QuantumNous/new-api#144).
  if (report.status === "SUCCESS" && report.result.imageUrl === undefined && task.vendorOrigin !== undefined)
    report = (await deps.readCallback(provider, body, { baseUrl: task.vendorOrigin })) ?? report;
  const applied = await applySignal(deps, task, {
    kind: "report",
    attempt,
    from: "callback",
    at: { provider, account },
    report,
  });
  const { decision } = applied;
  if (decision.kind !== "move" && decision.why === "duplicate") deps.log.count("Duplicates");
  if (decision.kind !== "move" && decision.why === "ended") deps.log.count("Late");
  if (decision.kind !== "move" && decision.why === "unknown-status") deps.log.count("UnknownStatus");
  if (decision.kind === "move" && task.status === "SUBMITTING") deps.log.count("Early");
  const outcome = decision.kind === "move" ? applied.task.status : decision.why;
  // The row of a task has its steps and its success. Lines for them would be most of the log bytes of a healthy flow.
  const isStep = decision.kind !== "move" && report.status === "IN_PROGRESS";
  const isUsual = decision.kind === "move" && outcome === report.status && outcome !== "FAILURE";
  if (!isStep && !isUsual)
    deps.log.info("callback", { flow: flowId, path, provider, attempt, status: report.status, outcome });
  await runEffects(deps, applied);
  if (decision.kind === "move") await deps.accounts.recordDuration(applied.task);
  return { kind: "recorded", moved: decision.kind === "move" };
}
