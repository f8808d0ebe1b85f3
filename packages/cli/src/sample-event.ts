/** Sample events of every type, with the form of real webhooks. Their flow and tasks do not exist. */
import type { EndpointEvent, EventBody, EventType, FlowEndEvent, Task, TaskEvent } from "@mjflow/client";
import { EVENT_TYPES, eventIdOf, FLOW_SUBJECT } from "@mjflow/core/event";
import type { OutgoingEvent } from "./forward.ts";

const FLOW = "flow_00000000000000000000000000";
const ROOT = `task_${FLOW.slice("flow_".length)}_0`;
const ENDPOINT = "ep_00000000000000000000000000";
const IMAGE = "https://images.example.com/paper-boat.png";

/**
 * @param state text of the app that the event contains, as the real event of a flow with this state
 * @param nowMs time of the event, epoch ms
 * @param nonce makes the ids of two samples differ; a receiver ignores an id that it has seen
 */
export function sampleEvent(type: EventType, state: string | null, nowMs: number, nonce: string): OutgoingEvent {
  const at = new Date(nowMs).toISOString();
  const subject = type.startsWith("task.") ? "0" : FLOW_SUBJECT;
  return { id: `${eventIdOf(FLOW, subject, type.split(".")[1]!)}-${nonce}`, body: bodyOf(type, state, at) };
}

const API = "https://mjflow.example.com";

export const SAMPLE_TYPES: readonly EventType[] = EVENT_TYPES;

function bodyOf(type: EventType, state: string | null, at: string): EventBody {
  if (type === "endpoint.disabled") return endpointDisabled(at);
  if (type === "flow.completed" || type === "flow.failed") return flowEnd(type, state, at);
  const event: TaskEvent = { type, timestamp: at, data: { ...sampleTask(at), ...CHANGES[type](at), state } };
  return event;
}

const CHANGES: Record<TaskEvent["type"], (at: string) => Partial<Task>> = {
  "task.submitted": () => ({}),
  "task.progress": () => ({ status: "IN_PROGRESS", progress: 40 }),
  "task.modal": () => ({ status: "MODAL", action: "CUSTOM_ZOOM", press: "zoom:custom" }),
  "task.completed": success,
  "task.archived": (at) => ({
    ...success(at),
    copies: [
      {
        url: "https://media.example.com/paper-boat.png",
        bytes: 1_048_576,
        sha256: "0".repeat(64),
        contentType: "image/png",
        source: IMAGE,
      },
    ],
  }),
  "task.failed": (at) => ({
    status: "FAILURE",
    failReason: "The vendor could not draw this prompt.",
    failure: { code: "vendor_failed", message: "The vendor could not draw this prompt." },
    endedAt: at,
  }),
};

function success(at: string): Partial<Task> {
  return {
    status: "SUCCESS",
    progress: 100,
    imageUrl: IMAGE,
    images: [{ url: IMAGE }],
    buttons: [{ customId: "MJ::JOB::upsample::1::0", label: "U1", emoji: "", name: "upscale:1" }],
    callbacks: 3,
    endedAt: at,
  };
}

/** A submitted imagine task. @param at time of the task, ISO 8601 */
export function sampleTask(at: string): Required<Task> {
  return {
    id: ROOT,
    flowId: FLOW,
    parentId: null,
    rootId: ROOT,
    retryOf: null,
    depth: 0,
    press: null,
    action: "IMAGINE",
    status: "SUBMITTED",
    progress: 0,
    provider: "simulator",
    account: "default",
    providerTaskId: "1700000000000000",
    customId: null,
    imageUrl: null,
    previewUrl: null,
    images: [],
    videos: [],
    copies: [],
    copyFailures: [],
    buttons: [],
    originalPrompt: null,
    finalPrompt: "a paper boat on calm water",
    text: null,
    seed: null,
    unknownStatus: null,
    failReason: null,
    failure: null,
    attempts: 1,
    modals: 0,
    modalIgnored: false,
    callbacks: 0,
    duplicates: 0,
    lookups: 0,
    unclear: false,
    waits: null,
    orphans: [],
    late: null,
    createdAt: at,
    submittingAt: at,
    submittedAt: at,
    endedAt: null,
    urls: {
      get: `${API}/v1/tasks/${ROOT}`,
      actions: `${API}/v1/tasks/${ROOT}/actions`,
      flow: `${API}/v1/flows/${FLOW}`,
      console: null,
    },
  };
}

function flowEnd(type: FlowEndEvent["type"], state: string | null, at: string): FlowEndEvent {
  return {
    type,
    timestamp: at,
    data: {
      id: FLOW,
      status: type === "flow.completed" ? "completed" : "failed",
      state,
      action: "imagine",
      provider: "simulator",
      account: "default",
      prompt: "a paper boat on calm water",
      originalPrompt: null,
      createdAt: at,
      endedAt: at,
      restartOf: null,
      restartedAs: null,
      template: null,
      rerunOf: null,
      urls: {
        get: `${API}/v1/flows/${FLOW}`,
        cancel: `${API}/v1/flows/${FLOW}/cancel`,
        events: null,
        console: null,
      },
      counts: { submissions: 1, modals: 0, callbacks: 3, duplicates: 0, lookups: 0, writes: 4 },
    },
  };
}

function endpointDisabled(at: string): EndpointEvent {
  return {
    type: "endpoint.disabled",
    timestamp: at,
    data: { id: ENDPOINT, url: "https://app.example.com/webhooks", disabledWhy: "failing", failingSince: at },
  };
}
