/** A new flow: what the app sent becomes rows, images go to the bucket, and the root's message to the queue. */
import { promptsIn } from "@mjflow/core/banned";
import { type Flow, type Inputs, paceOf, vendorActionOf } from "@mjflow/core/flow";
import { flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { storedPlan } from "@mjflow/core/plan";
import type { FlowRequest } from "@mjflow/core/request";
import { newTask } from "@mjflow/core/task";
import { type AccountSelectionDeps, selectRootAccount } from "./account-selection.ts";
import type { BannedWordsCheck } from "./banned.ts";
import type { AppLimits } from "./credit.ts";
import type { EngineDeps } from "./deps.ts";
import { type CreatedFlow, startFlow } from "./start-flow.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** What a flow gets that does not say. */
export interface FlowDefaults {
  /** Progress callbacks stored, or dropped at the door. */
  storeProgress: boolean;
  resubmit: "after-grace" | "never";
  /** Pictures copied to our own bucket. */
  archive: boolean;
  /** Which vendor does it; "auto": any that can. */
  defaultProvider?: string;
}

/** What is decided before a flow is made: the facade's number, or an Idempotency-Key, must point to it first. */
export interface ChosenIds {
  flowId?: string;
  /** An earlier try may have written some or all of it: what is there is completed, and answered. */
  resumed?: boolean;
  mjTaskId?: string;
  /** Who listens to its root besides those who listen to the flow, as `HEARS`. */
  eventMask?: number;
}

export type CreateFlowDeps = Pick<
  EngineDeps,
  "store" | "queue" | "blobs" | "providers" | "clock" | "random" | "timings" | "log"
> & {
  subscriptions: Subscriptions;
  accounts: AccountSelectionDeps["accounts"];
  banned: Pick<BannedWordsCheck, "assertAllowed">;
} & AppLimits;

/**
 * Nothing is half-written: the flow's own row is the last write before the answer, and without it the rest is invisible
 * until it expires. The message comes after; should it be lost, the root's due time replaces it.
 *
 * @throws MjflowError invalid_request naming the field; banned_prompt naming field and word; overloaded when the table is; what the
 *   app's limits say (credit.ts).
 */
export async function createFlow(
  deps: CreateFlowDeps,
  appId: string,
  request: FlowRequest,
  { storeProgress, resubmit, archive, defaultProvider }: FlowDefaults,
  named: ChosenIds = {},
): Promise<CreatedFlow> {
  const now = deps.clock.now();
  const action = request.action ?? "imagine";
  const id = named.flowId ?? newFlowId(deps);
  await deps.banned.assertAllowed(promptsIn(request));
  const masks = { ref: id, images: [] };
  const then = storedPlan(request.then ?? [], masks);
  const inputs = inputsFromRequest(request, masks.images);
  const { onVendorLoss } = request;
  const criteria = {
    provider: request.provider ?? defaultProvider,
    action,
    flowId: id,
    allowOpen: onVendorLoss === "restart",
  };
  const { provider, account, anyProvider: roams } = await selectRootAccount(deps, criteria);
  const at = { flowId: id, provider, account };

  const flow: Flow = {
    id,
    appId,
    rev: 0,
    status: "running",
    action,
    provider,
    account,
    anyProvider: roams || undefined,
    onVendorLoss: onVendorLoss === "restart" ? onVendorLoss : undefined,
    prompt: request.prompt,
    dimensions: request.dimensions,
    mode: request.mode,
    botType: request.botType,
    accountFilter: request.accountFilter,
    state: request.state,
    notifyHook: request.notifyHook,
    events: request.events,
    eventMask: (await deps.subscriptions.eventMask(appId, request)) || undefined,
    archive: (request.archive ?? archive) || undefined,
    progress: request.progress ?? storeProgress,
    createdAt: now,
  };
  const protocolAction = vendorActionOf(action);
  const pace = paceOf(request.mode, protocolAction);
  const due = now + deps.timings.quietMs[pace];
  const never = (request.resubmit ?? resubmit) === "never" ? { resubmit: "never" as const } : {};
  const root = newTask(
    {
      ...never,
      ...at,
      eventMask: (flow.eventMask ?? 0) | (named.eventMask ?? 0) || undefined,
      mjTaskId: named.mjTaskId,
      archive: flow.archive,
      path: ROOT_PATH,
      action: protocolAction,
      pace,
      inputsRef: inputs && id,
      then: then.length > 0 ? then : undefined,
      flowDue: due,
    },
    now,
    due,
  );

  const first = inputs && (() => deps.blobs.putInputs(id, inputs));
  return startFlow(deps, flow, root, { resumed: named.resumed ?? false, first });
}

export function newFlowId({ clock, random }: Pick<EngineDeps, "clock" | "random">): string {
  return flowIdOf(clock.now(), random.bytes(10));
}

function inputsFromRequest(
  { base64Array, sourceBase64, targetBase64 }: FlowRequest,
  masks: string[],
): Inputs | undefined {
  const inputs: Inputs = {
    ...(base64Array?.length && { base64Array }),
    ...(sourceBase64 && { sourceBase64 }),
    ...(targetBase64 && { targetBase64 }),
    ...(masks.length > 0 && { masks }),
  };
  return Object.keys(inputs).length > 0 ? inputs : undefined;
}
