/** A new flow: what the app sent becomes rows, images go to the bucket, and the root's message to the queue. */

import { promptsIn } from "@mjflow/core/banned";
import type { RateState } from "@mjflow/core/credit";
import { type Flow, type Inputs, paceOf } from "@mjflow/core/flow";
import { flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { submitMessage } from "@mjflow/core/message";
import { storedPlan } from "@mjflow/core/plan";
import { planMicroUsd } from "@mjflow/core/price";
import type { FlowRequest } from "@mjflow/core/request";
import { newTask, type Task } from "@mjflow/core/task";
import type { Banned } from "./banned.ts";
import { admit, type Limited } from "./credit.ts";
import type { Deps } from "./deps.ts";
import type { Listeners } from "./listen.ts";
import { placeRoot, type RouteDeps } from "./route.ts";

export interface Created {
  flow: Flow;
  tasks: Task[];
  /** Of an app whose new flows are limited. */
  rate?: RateState;
}

/** What a flow gets that does not say. */
export interface Defaults {
  /** Progress callbacks stored, or dropped at the door. */
  storeProgress: boolean;
  resubmit: "after-grace" | "never";
  /** Pictures copied to our own bucket. */
  archive: boolean;
  /** Which vendor does it; "auto": any that can. */
  defaultProvider?: string;
}

/** What is decided before a flow is made: the facade's number, or an Idempotency-Key, must point to it first. */
export interface Named {
  flowId?: string;
  /** An earlier try may have written some or all of it: what is there is completed, and answered. */
  resumed?: boolean;
  mj?: string;
  /** Who listens to its root besides those who listen to the flow, as `HEARS`. */
  hears?: number;
}

export type CreateNeeds = Pick<
  Deps,
  "store" | "queue" | "blobs" | "providers" | "clock" | "random" | "timings" | "log"
> & {
  listeners: Listeners;
  accounts: RouteDeps["accounts"];
  banned: Pick<Banned, "refuse">;
} & Limited;

/**
 * Nothing is half-written: the flow's own row is the last write before the answer, and without it the rest is invisible
 * and swept away. The message comes after; should it be lost, the root's due time replaces it.
 *
 * @throws MjflowError invalid_request naming the field; banned_prompt naming field and word; overloaded when the table is; what the
 *   app's limits say (credit.ts).
 */
export async function createFlow(
  deps: CreateNeeds,
  appId: string,
  request: FlowRequest,
  { storeProgress, resubmit, archive, defaultProvider }: Defaults,
  named: Named = {},
): Promise<Created> {
  const now = deps.clock.now();
  const action = request.action ?? "imagine";
  const id = named.flowId ?? newFlowId(deps);
  await deps.banned.refuse(promptsIn(request));
  const masks = { ref: id, images: [] };
  const then = storedPlan(request.then ?? [], masks);
  const inputs = inputsOf(request, masks.images);
  const { onVendorLoss } = request;
  const wish = { provider: request.provider ?? defaultProvider, action, flowId: id, brave: onVendorLoss === "restart" };
  const { provider, account, roams } = await placeRoot(deps, wish);
  const at = { flowId: id, provider, account };

  const flow: Flow = {
    id,
    appId,
    rev: 0,
    status: "running",
    action,
    provider,
    account,
    roams: roams || undefined,
    onVendorLoss: onVendorLoss === "restart" ? onVendorLoss : undefined,
    prompt: request.prompt,
    dimensions: request.dimensions,
    mode: request.mode,
    botType: request.botType,
    accountFilter: request.accountFilter,
    state: request.state,
    notifyHook: request.notifyHook,
    events: request.events,
    hears: (await deps.listeners.hears(appId, request)) || undefined,
    archive: (request.archive ?? archive) || undefined,
    progress: request.progress ?? storeProgress,
    createdAt: now,
    due: now + deps.timings.flowMs,
  };
  const protocolAction = action.replace("-", "_").toUpperCase();
  const pace = paceOf(request.mode, protocolAction);
  const never = (request.resubmit ?? resubmit) === "never" ? { resubmit: "never" as const } : {};
  const root = newTask(
    {
      ...never,
      ...at,
      hears: (flow.hears ?? 0) | (named.hears ?? 0) || undefined,
      mj: named.mj,
      archive: flow.archive,
      path: ROOT_PATH,
      action: protocolAction,
      pace,
      inputsRef: inputs && id,
      then: then.length > 0 ? then : undefined,
    },
    now,
    now + deps.timings.quietMs[pace],
  );

  const first = inputs && (() => deps.blobs.putInputs(id, inputs));
  return begin(deps, flow, root, { resumed: named.resumed ?? false, first });
}

export type BeginNeeds = Pick<Deps, "store" | "queue" | "clock" | "timings" | "log"> & Limited;

/**
 * What was made is let in, stored and sent.
 *
 * @param first what must be stored before the rows are
 * @throws MjflowError what the app's limits say; overloaded
 */
export async function begin(
  deps: BeginNeeds,
  flow: Flow,
  root: Task,
  { resumed, first }: { resumed: boolean; first?: (() => Promise<void>) | undefined },
): Promise<Created> {
  const { id, appId, provider, action } = flow;
  const before = resumed ? await completed(deps, id, root) : undefined;
  if (before) return before;
  const micro = planMicroUsd(root, root.then);
  const { held, rate } = await admit(deps, appId, { flowId: id, micro, resumed });
  const stored: Flow = held ? { ...flow, held } : flow;
  await first?.();
  await deps.store.createFlow(stored, root);
  await sendRoot(deps, id);
  deps.log.info("flow.created", { flow: id, app: appId, provider, action });
  return { flow: stored, tasks: [root], ...(rate && { rate }) };
}

export function newFlowId({ clock, random }: Pick<Deps, "clock" | "random">): string {
  return flowIdOf(clock.now(), random.bytes(10));
}

/** What an earlier try made: the flow whole; or a root alone, kept from the sweeper until its flow is there too. */
async function completed(deps: BeginNeeds, id: string, { due }: Task): Promise<Created | undefined> {
  const { flow, tasks } = await deps.store.loadFlow(id);
  const root = tasks.find((task) => task.path === ROOT_PATH);
  if (!flow) {
    if (root) await deps.store.saveTask({ ...root, due });
    return undefined;
  }
  if (root?.status === "PENDING") await sendRoot(deps, id);
  return { flow, tasks };
}

async function sendRoot(deps: BeginNeeds, flowId: string): Promise<void> {
  try {
    await deps.queue.send([{ message: submitMessage(flowId, ROOT_PATH) }]);
  } catch (error) {
    // The flow is stored, so the answer is still "accepted": the sweeper sends the message again.
    deps.log.error("flow.message-lost", { flow: flowId, error: String(error) });
  }
}

function inputsOf({ base64Array, sourceBase64, targetBase64 }: FlowRequest, masks: string[]): Inputs | undefined {
  const inputs: Inputs = {
    ...(base64Array?.length && { base64Array }),
    ...(sourceBase64 && { sourceBase64 }),
    ...(targetBase64 && { targetBase64 }),
    ...(masks.length > 0 && { masks }),
  };
  return Object.keys(inputs).length > 0 ? inputs : undefined;
}
