/** Builds the request of an earlier flow again, with changes, so that a new flow can be created from it. */
import { MjflowError } from "@mjflow/core/error";
import { archivesLater } from "@mjflow/core/event";
import type { Flow, Inputs } from "@mjflow/core/flow";
import { ROOT_PATH } from "@mjflow/core/id";
import type { ModalAnswer, Press } from "@mjflow/core/plan";
import { FlowRequest, type PlanInput } from "@mjflow/core/request";
import type { Task } from "@mjflow/core/task";
import type { EngineDeps } from "../deps.ts";
import type { FlowWithTasks } from "../step/update-flow.ts";

const IMAGE_FIELDS = ["base64Array", "sourceBase64", "targetBase64", "image", "endImage", "maskBase64"] as const;

/**
 * `fields`: those of a request. `translations`: the prompts that vendors got, by the prompt of the app. `reducedImages`: those of the
 * flow, whose copies are used again.
 */
export interface Rerun {
  fields: Record<string, unknown>;
  reducedImages: Flow["reducedImages"];
  translations: Map<string, string>;
}

/**
 * Returns the fields of a request that makes the same flow again, with the changes. It must be validated, because the
 * changes can be anything. Prompts are those of the app. If the flow was translated, its new prompts are translated too.
 *
 * @param changes fields of `FlowRequest`; null removes a field
 * @throws MjflowError `wrong_state` if images of the flow are no longer stored and the changes have no others
 */
export async function rerunRequest(
  deps: Pick<EngineDeps, "blobs">,
  { flow, tasks }: FlowWithTasks,
  changes: Readonly<Record<string, unknown>>,
): Promise<Rerun> {
  const root = tasks.find(({ path }) => path === ROOT_PATH);
  if (!root) throw new MjflowError("not_found");
  const replacesPlan = "then" in changes || "template" in changes;
  const replacesImages = IMAGE_FIELDS.some((field) => field in changes);
  const translations = translationsOf(flow, root);
  const wasTranslated = [...translations].some(([own, sent]) => own !== sent);
  const hasNewPrompts = replacesPlan || "prompt" in changes;
  const original: FlowRequest = {
    ...fieldsOf(flow, root),
    // The default of the app can be another one today. It decides about new prompts only.
    ...(wasTranslated ? { translate: true } : !hasNewPrompts && { translate: false }),
    ...(await imagesOf(deps, root, replacesImages)),
    ...(!replacesPlan && root.then && { then: await planOf(deps, root.then) }),
  };
  const changed = Object.entries({ ...original, ...changes }).filter(
    ([field, value]) => value !== undefined && !(value === null && isField(field)),
  );
  const reducedImages = replacesImages ? undefined : flow.reducedImages;
  return { fields: Object.fromEntries(changed), translations, reducedImages };
}

function translationsOf(flow: Flow, { then = [] }: Task): Map<string, string> {
  const answers = (presses: readonly Press[]): ModalAnswer[] =>
    presses.flatMap(({ modal = {}, then: next = [] }) => [modal, ...answers(next)]);
  const all = [flow, ...answers(then)].flatMap(({ prompt, originalPrompt = prompt }) =>
    prompt === undefined || originalPrompt === undefined ? [] : [[originalPrompt, prompt] as const],
  );
  return new Map(all);
}

/** Permutations make several flows, so none of them stores the field. */
function isField(name: string): boolean {
  return name !== "permutations" && Object.hasOwn(FlowRequest.shape, name);
}

function fieldsOf(flow: Flow, root: Task): FlowRequest {
  const { action, mode, botType, dimensions, accountFilter, video, state, notifyHook, events } = flow;
  const { progress, onVendorLoss, originalPrompt, prompt: sent } = flow;
  const prompt = originalPrompt ?? sent;
  const kept = { action, prompt, mode, botType, dimensions, accountFilter, state, notifyHook, events, progress };
  return {
    ...kept,
    ...video,
    onVendorLoss,
    provider: flow.anyProvider ? "auto" : flow.provider,
    archive: flow.archive ? (archivesLater(flow.eventMask) ? "later" : true) : false,
    resubmit: root.resubmit ?? "after-grace",
  };
}

/** The images of the request. With `replaced` the app sends its own, so missing ones are no error. */
async function imagesOf({ blobs }: Pick<EngineDeps, "blobs">, root: Task, replaced: boolean): Promise<Inputs> {
  if (root.inputsRef === undefined) return {};
  const inputs = await blobs.getInputs(root.inputsRef);
  if (!inputs && !replaced) throw imagesGone();
  const { masks: _, ...images } = inputs ?? {};
  return images;
}

/** A stored plan in the form of a request. */
async function planOf({ blobs }: Pick<EngineDeps, "blobs">, then: readonly Press[]): Promise<PlanInput[]> {
  const stored = new Map<string, string[]>();
  for (const ref of refsIn(then)) stored.set(ref, (await blobs.getInputs(ref))?.masks ?? []);
  const inputOf = ({ press, modal, then: next }: Press): PlanInput => {
    const mask = modal?.mask && stored.get(modal.mask.ref)?.[modal.mask.index];
    if (modal?.mask && mask === undefined) throw imagesGone();
    return {
      press,
      ...(modal && {
        modal: {
          ...(modal.prompt !== undefined && { prompt: modal.originalPrompt ?? modal.prompt }),
          ...(mask !== undefined && { maskBase64: mask }),
        },
      }),
      ...(next && { then: next.map(inputOf) }),
    };
  };
  return then.map(inputOf);
}

function refsIn(then: readonly Press[]): Set<string> {
  const refs = then.flatMap(({ modal, then: next = [] }) => [
    ...(modal?.mask ? [modal.mask.ref] : []),
    ...refsIn(next),
  ]);
  return new Set(refs);
}

function imagesGone(): MjflowError {
  return new MjflowError("wrong_state", {
    detail: "The images of the flow are no longer stored. Send them in the request, or create a new flow.",
  });
}
