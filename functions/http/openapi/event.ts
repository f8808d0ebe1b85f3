/** What is posted to apps, described: OpenAPI's `webhooks`. */

import { EVENT_TYPES, type EventType } from "@mjflow/core/event";
import { MjTask } from "@mjflow/core/mj-response";
import { EndpointEvent, FlowEvent, TaskEvent } from "@mjflow/core/response";
import type { Header, Schema } from "./route-description.ts";

export interface EventDescription {
  summary: string;
  about: string;
  body: Schema;
  /** Standard Webhooks: signed. */
  signed: boolean;
}

export const SIGNATURE_HEADERS: readonly Header[] = [
  {
    name: "webhook-id",
    about: "The event's own, the same for every listener and at every try: what you deduplicate by.",
    schema: { type: "string" },
    required: true,
  },
  {
    name: "webhook-timestamp",
    about: "When this try was made, in seconds since 1970.",
    schema: { type: "string", pattern: "^\\d{1,12}$" },
    required: true,
  },
  {
    name: "webhook-signature",
    about: "One or more of `v1,…` (HMAC-SHA256) and `v1a,…` (ed25519), a blank between them.",
    schema: { type: "string" },
    required: true,
  },
];

const EVENT_TEXTS: Record<EventType, Pick<EventDescription, "summary" | "about">> = {
  "task.submitted": { summary: "The vendor has taken a task", about: "`data` is the task." },
  "task.progress": {
    summary: "A picture is forming",
    about:
      "Only for who asks for it by name, of flows with `progress: true`; at most one a second of each task, and tried once.",
  },
  "task.modal": {
    summary: "A task waits for a prompt or a mask",
    about: "Nothing further happens until `POST /v1/tasks/{id}/modal`. Of tasks whose plan has no answer.",
  },
  "task.completed": { summary: "A task has its picture", about: "`data.imageUrl`, and `data.buttons` to press next." },
  "task.failed": { summary: "A task has ended without one", about: "`data.failure.code` says why." },
  "flow.completed": {
    summary: "A flow has ended",
    about: "Every branch has, and its root succeeded; branches that failed are in its tasks.",
  },
  "flow.failed": { summary: "A flow's root did not succeed", about: "`data` is the flow without its tasks." },
  "endpoint.disabled": {
    summary: "An endpoint of yours was switched off",
    about:
      "It answered 410, or nothing but failures for five days. Told to your other endpoints. `data` is empty where it was removed since.",
  },
};

const BODIES: Record<string, Schema> = { task: TaskEvent, flow: FlowEvent, endpoint: EndpointEvent };

export const events: Readonly<Record<string, EventDescription>> = {
  ...Object.fromEntries(
    EVENT_TYPES.map((type) => [type, { ...EVENT_TEXTS[type], body: BODIES[type.split(".")[0]!]!, signed: true }]),
  ),
  "mj.task": {
    summary: "A task of the facade has changed",
    about:
      "Posted to the `notifyHook` of the request that made it, as servers of the midjourney-proxy family do: the task object, without a signature.",
    body: MjTask,
    signed: false,
  },
};
