/** Descriptions of the webhooks that apps receive, for the `webhooks` section of OpenAPI. */

import { EVENT_TYPES, type EventType } from "@mjflow/core/event";
import { MjTask } from "@mjflow/core/mj-response";
import { EndpointEvent, FlowEvent, TaskEvent } from "@mjflow/core/response";
import type { Header, Schema } from "./route-description.ts";

export interface EventDescription {
  summary: string;
  about: string;
  body: Schema;
  /** Whether the webhook is signed as Standard Webhooks defines. */
  signed: boolean;
}

export const SIGNATURE_HEADERS: readonly Header[] = [
  {
    name: "webhook-id",
    about:
      "Id of the event. It is the same for every subscriber and in every delivery attempt, so use it to detect duplicates.",
    schema: { type: "string" },
    required: true,
  },
  {
    name: "webhook-timestamp",
    about: "Time of this delivery attempt, in seconds since 1970.",
    schema: { type: "string", pattern: "^\\d{1,12}$" },
    required: true,
  },
  {
    name: "webhook-signature",
    about: "One or more signatures `v1,…` (HMAC-SHA256) or `v1a,…` (ed25519), separated by spaces.",
    schema: { type: "string" },
    required: true,
  },
];

const EVENT_TEXTS: Record<EventType, Pick<EventDescription, "summary" | "about">> = {
  "task.submitted": { summary: "Task accepted by the vendor", about: "`data` is the task." },
  "task.progress": {
    summary: "Task progress",
    about:
      "Sent only to subscribers that name this event, for flows with `progress: true`. At most one per second and task, with a single delivery attempt.",
  },
  "task.modal": {
    summary: "Task waits for a modal answer",
    about:
      "The task waits until you send `POST /v1/tasks/{id}/modal`. The event is sent only for tasks without a modal answer in the plan.",
  },
  "task.completed": {
    summary: "Task completed",
    about: "`data.imageUrl` is the image, `data.buttons` are the buttons that can be pressed next.",
  },
  "task.archived": {
    summary: "Images archived",
    about:
      'Sent for flows with `archive: "later"`, after `task.completed`. `data.copies` are the links that do not expire, `data.copyFailures` what could not be archived.',
  },
  "task.failed": { summary: "Task failed", about: "`data.failure.code` is the reason." },
  "flow.completed": {
    summary: "Flow completed",
    about: "Every branch has ended and the root succeeded. `GET /v1/flows/{id}` shows branches that failed.",
  },
  "flow.failed": {
    summary: "Flow failed",
    about: "The root did not succeed, or the flow was canceled. `data` is the flow without its tasks.",
  },
  "endpoint.disabled": {
    summary: "Webhook endpoint disabled",
    about:
      "The endpoint responded 410, or all its delivery attempts of five days failed. The event is sent to your other endpoints. `data` is empty if the endpoint was deleted meanwhile.",
  },
};

const BODIES: Record<string, Schema> = { task: TaskEvent, flow: FlowEvent, endpoint: EndpointEvent };

export const events: Readonly<Record<string, EventDescription>> = {
  ...Object.fromEntries(
    EVENT_TYPES.map((type) => [type, { ...EVENT_TEXTS[type], body: BODIES[type.split(".")[0]!]!, signed: true }]),
  ),
  "mj.task": {
    summary: "Compat task changed (unsigned)",
    about:
      "Sent to the `notifyHook` of the compat API request that created the task. As in midjourney-proxy, the body is the task object, and there is no signature.",
    body: MjTask,
    signed: false,
  },
};
