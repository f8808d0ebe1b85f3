/** Drafts of the Create page. They are kept in the tab, so that leaving the page or a reload loses nothing. */
import type { Flow, PlanStep } from "@mjflow/client";
import { type Draft, EMPTY_FORM, type FlowForm, type Reference } from "./form.ts";

const NAME = "mjflow.draft";

export function storedDraft(): FlowForm {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? "null");
    const form = { ...EMPTY_FORM, ...(stored as Partial<FlowForm> | null) };
    return { ...form, images: form.images.map(referenceOf) };
  } catch {
    return EMPTY_FORM;
  }
}

/** A page of an earlier version stored an image as its address alone. */
function referenceOf(image: Reference | string): Reference {
  return typeof image === "string" ? { src: image, role: "image" } : image;
}

export function storeDraft(form: FlowForm): void {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(form));
  } catch {
    // The images are larger than the storage. The draft without them is better than none.
    sessionStorage.setItem(NAME, JSON.stringify({ ...form, images: [] }));
  }
}

const listeners = new Set<() => void>();

/** Stores a draft in place of the one that an open Create page shows. */
export function openDraft(form: FlowForm): void {
  storeDraft(form);
  for (const notify of listeners) notify();
}

/** Calls `opened` when another part of the page opens a draft. */
export function onOpenedDraft(opened: () => void): () => void {
  listeners.add(opened);
  return () => listeners.delete(opened);
}

export function clearDraft(): void {
  sessionStorage.removeItem(NAME);
}

/** Returns the form that would create the same flow again. The API does not return images and masks. */
export function formOf(flow: Flow): FlowForm {
  const { action, provider, mode, state, notifyHook, plan = [], originalPrompt } = flow;
  // The prompt of the app is edited, and translated again.
  const isTranslated = originalPrompt != null;
  return {
    ...EMPTY_FORM,
    action: action === "swap-face" ? "imagine" : action,
    provider,
    prompt: originalPrompt ?? flow.prompt ?? "",
    translate: isTranslated,
    mode: mode ?? "",
    state: state ?? "",
    notifyHook: notifyHook ?? "",
    then: draftsBelow(plan, flow.tasks[0]?.id),
  };
}

/** Returns the steps of the plan below a task as drafts, to any depth. */
function draftsBelow(plan: readonly PlanStep[], parentId: string | undefined): Draft[] {
  return plan
    .filter((step) => step.parentId === parentId)
    .map(({ taskId, press, prompt, originalPrompt }) => ({
      key: taskId,
      press,
      prompt: originalPrompt ?? prompt ?? "",
      then: draftsBelow(plan, taskId),
    }));
}
