/** Creates a flow: stores the request as rows, puts input images into the bucket and sends the message for the root. */

import type { ArchiveMode } from "@mjflow/core/archive-mode";
import { promptsIn } from "@mjflow/core/banned";
import { logRowsFor } from "@mjflow/core/delivery-log";
import { MjflowError } from "@mjflow/core/error";
import { EVENT_BITS, hasSubscribers, withArchiveMode } from "@mjflow/core/event";
import { type Flow, type Inputs, paceOf, type RootAction, vendorActionOf } from "@mjflow/core/flow";
import { flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import { isLoopbackUrl } from "@mjflow/core/loopback";
import { countPresses, storedPlan } from "@mjflow/core/plan";
import { taskCountOf } from "@mjflow/core/prompt";
import type { FlowRequest } from "@mjflow/core/request";
import { OPTIONAL_FIELDS } from "@mjflow/core/root-action";
import type { AccountRef } from "@mjflow/core/state";
import { newTask } from "@mjflow/core/task";
import type { VendorNeeds } from "@mjflow/core/vendor-needs";
import { type AccountSelectionDeps, selectRootAccount } from "../account/account-selection.ts";
import type { AppLimits } from "../credit/credit.ts";
import type { EngineDeps } from "../deps.ts";
import type { Subscriptions } from "../event/subscriptions.ts";
import type { BannedWordsCheck } from "./banned.ts";
import { type CheckedImages, checkImages, type ImageForm, type InputImageDeps } from "./input-image.ts";
import { type CreatedFlow, startFlow } from "./start-flow.ts";
import type { Permutation, TranslateDeps } from "./translate.ts";

/** Defaults for flows whose request does not set these values. */
export interface FlowDefaults {
  /** True: progress callbacks are stored; false: they are dropped without a database call. */
  storeProgress: boolean;
  resubmit: "after-grace" | "never";
  /** Whether result images are copied to our bucket, and when their copies are sent. */
  archive: ArchiveMode;
  /** Whether new flows get a delivery log. False: one delivery row per event and subscriber, as in earlier versions. */
  deliveryLog?: boolean;
  /** Id of the provider; "auto": any provider that supports the action. */
  defaultProvider?: string;
  /** Whether prompts are translated. Unset: they are not. */
  translate?: boolean;
}

/**
 * Values that are chosen before the flow is created, because a compat task id or an Idempotency-Key must point to the
 * flow first.
 */
export interface ChosenIds {
  flowId?: string;
  /** An earlier request may have written part of the flow or all of it. The existing part is completed and returned. */
  resumed?: boolean;
  mjTaskId?: string;
  /** Event mask of additional subscribers of the root only; unset: none. */
  eventMask?: number;
  /** Id of the flow whose request is used again; unset: none. */
  rerunOf?: string;
  /** The scaled-down images that an earlier flow with the same images had; unset: none. */
  reducedImages?: Flow["reducedImages"];
  /** Translations that are known already, by the prompt of the app; unset: none. */
  translations?: ReadonlyMap<string, string>;
  /** Set if the prompt is one of several that a prompt with groups in braces stands for. */
  permutation?: Permutation;
}

export type CreateFlowDeps = Pick<
  EngineDeps,
  "store" | "queue" | "blobs" | "providers" | "clock" | "random" | "timings" | "log"
> & {
  subscriptions: Subscriptions;
  accounts: AccountSelectionDeps["accounts"];
  banned: Pick<BannedWordsCheck, "assertAllowed">;
} & Pick<TranslateDeps, "translator" | "sharedTranslations"> &
  InputImageDeps &
  AppLimits;

/**
 * Every image has the form that the chosen vendor reads before anything is stored. A flow is never visible in part: the flow row is the last write before the response. Without the flow row, the other
 * rows are invisible until they expire. The message is sent afterwards. If the message is lost, the sweeper sends it
 * again when the root is due. Prompts are translated after all other checks, because a translation costs money and time.
 *
 * @throws MjflowError `invalid_request` or `press_unsupported` with the field; `banned_prompt` with field and word;
 *   `image_rejected` with field and reason; `not_found` if the flow of a repeated request was deleted; `overloaded`; the errors of
 *   the app's limits (credit.ts) and of a translation (translate.ts)
 */
export async function createFlow(
  deps: CreateFlowDeps,
  appId: string,
  given: FlowRequest,
  { storeProgress, resubmit, archive: defaultArchive, defaultProvider, deliveryLog = true, translate }: FlowDefaults,
  chosen: ChosenIds = {},
): Promise<CreatedFlow> {
  const now = deps.clock.now();
  const sent = given.template === undefined ? given : await withTemplate(deps, appId, given);
  const action = sent.action ?? "imagine";
  const id = chosen.flowId ?? newFlowId(deps);
  await deps.banned.assertAllowed(promptsIn(sent));
  const existing = chosen.resumed ? (await deps.store.load(id, [])).flow : undefined;
  if (existing?.deletedAt !== undefined) throw new MjflowError("not_found");
  const images = existing ? unread(sent) : await checkImages(deps, appId, sent);
  const masks = { ref: id, images: [] };
  const plan = storedPlan(images.request.then ?? [], masks);
  const { onVendorLoss } = sent;
  const needs = { ...vendorNeedsOf(sent), dataField: images.dataField };
  const criteria = {
    provider: sent.provider ?? defaultProvider,
    needs: { ...needs, linkField: images.linkOnly },
    // A vendor that takes links comes first, because then nothing has to be fetched.
    preferred: { ...needs, linkField: images.linkField },
    flowId: id,
    allowOpen: onVendorLoss === "restart",
  };
  const { provider, account, anyProvider } = await selectRootAccount(deps, criteria);
  const {
    request,
    linkField,
    reduced = chosen.reducedImages,
  } = await images.resolve(imageFormOf(deps, { provider, account }, action));
  const inputs = inputsFromRequest(request, masks.images);
  const isTranslated = !existing && (sent.translate ?? translate ?? false);
  const translated = isTranslated && (await translateOnDemand(deps, sent, plan, chosen));
  const { then, prompt = request.prompt, originalPrompt } = translated || { then: plan };
  const location = { flowId: id, provider, account };
  const archive = request.archive ?? defaultArchive;
  const subscribed = withArchiveMode(await deps.subscriptions.eventMask(appId, request), archive);
  const rootOnly = chosen.eventMask ?? 0;
  const logBit = deliveryLog && hasSubscribers(subscribed | rootOnly) ? EVENT_BITS.log : 0;
  const logRows = logRowsFor(1 + countPresses(then));

  const flow: Flow = {
    id,
    appId,
    rev: 0,
    status: "running",
    action,
    provider,
    account,
    anyProvider: anyProvider || undefined,
    onVendorLoss: onVendorLoss === "restart" ? onVendorLoss : undefined,
    prompt,
    originalPrompt,
    reducedImages: reduced,
    dimensions: request.dimensions,
    video: videoOptionsOf(request),
    mode: request.mode,
    botType: request.botType,
    accountFilter: request.accountFilter,
    state: request.state,
    template: request.template,
    rerunOf: chosen.rerunOf,
    notifyHook: request.notifyHook,
    events: request.events,
    eventMask: subscribed | logBit || undefined,
    logRows: logBit !== 0 && logRows > 1 ? logRows : undefined,
    archive: archive !== false || undefined,
    progress: request.progress ?? storeProgress,
    createdAt: now,
  };
  const protocolAction = vendorActionOf(action);
  const pace = paceOf(request.mode, protocolAction, request);
  const taskCount = taskCountOf(request.prompt);
  const due = now + deps.timings.quietMs[pace];
  const resubmitField = (request.resubmit ?? resubmit) === "never" ? { resubmit: "never" as const } : {};
  const root = newTask(
    {
      ...resubmitField,
      ...location,
      appId,
      eventMask: (flow.eventMask ?? 0) | rootOnly || undefined,
      mjTaskId: chosen.mjTaskId,
      archive: flow.archive,
      path: ROOT_PATH,
      action: protocolAction,
      pace,
      inputsRef: inputs && id,
      linkField,
      optionalFields: needs.optionalFields?.length ? [...needs.optionalFields] : undefined,
      taskCount: taskCount > 1 ? taskCount : undefined,
      then: then.length > 0 ? then : undefined,
      flowDue: due,
    },
    now,
    due,
  );

  const beforeRows = inputs && (() => deps.blobs.putInputs(id, inputs));
  return startFlow(deps, flow, root, { resumed: chosen.resumed ?? false, beforeRows });
}

/** Loaded on demand: few flows name a template. */
async function withTemplate(...args: Parameters<typeof import("./template.ts").withTemplate>): Promise<FlowRequest> {
  const template = await import("./template.ts");
  return template.withTemplate(...args);
}

/** The images of a flow that an earlier request has stored. They are not read again. */
function unread(sent: FlowRequest): CheckedImages {
  const images = { request: sent, linkField: undefined };
  return { ...images, linkOnly: undefined, resolve: async () => images };
}

/** Loads the code with the first translation: most requests have none. */
async function translateOnDemand(...args: Parameters<typeof import("./translate.ts").translateFlow>) {
  const { translateFlow } = await import("./translate.ts");
  return translateFlow(...args);
}

/** How the vendor of this account reads the images of a root. */
function imageFormOf(deps: CreateFlowDeps, { provider, account }: AccountRef, action: RootAction): ImageForm {
  const vendor = deps.providers.get(provider);
  const { imageLinks = false, swapLinks = false, dataOnly = [] } = vendor?.provider.capabilities ?? {};
  const { baseUrl = "" } = vendor?.account(account) ?? {};
  const reachesUs = !isLoopbackUrl(deps.imageUrl("", "")) || isLoopbackUrl(baseUrl);
  return { links: !dataOnly.includes(action) && (action === "swap-face" ? swapLinks : imageLinks), reachesUs };
}

/** Returns what a request needs of its vendor, for `checkProvider`. Images can be given to every vendor. */
export function vendorNeedsOf(request: FlowRequest): VendorNeeds {
  const { action = "imagine", then, prompt, mode } = request;
  return {
    action,
    then,
    mode,
    // `loop: false` asks for nothing.
    optionalFields: OPTIONAL_FIELDS.filter((field) => request[field] !== undefined && request[field] !== false),
    hasPrompt: (prompt ?? "").trim() !== "",
  };
}

function videoOptionsOf({ motion, loop, batchSize, videoType }: FlowRequest): Flow["video"] {
  const options = { motion, loop: loop || undefined, batchSize, videoType };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return Object.keys(given).length > 0 ? given : undefined;
}

export function newFlowId({ clock, random }: Pick<EngineDeps, "clock" | "random">): string {
  return flowIdOf(clock.now(), random.bytes(10));
}

function inputsFromRequest(
  { base64Array, sourceBase64, targetBase64, image, endImage, maskBase64 }: FlowRequest,
  masks: string[],
): Inputs | undefined {
  const inputs: Inputs = {
    ...(base64Array?.length && { base64Array }),
    ...(sourceBase64 && { sourceBase64 }),
    ...(targetBase64 && { targetBase64 }),
    ...(image && { image }),
    ...(endImage && { endImage }),
    ...(maskBase64 && { maskBase64 }),
    ...(masks.length > 0 && { masks }),
  };
  return Object.keys(inputs).length > 0 ? inputs : undefined;
}
