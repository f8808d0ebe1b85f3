/** A body that came as text, from a stream or a webhook, read as an event: its outline is checked, its data is believed. */
import { isObject } from "./problem.ts";
import type { EventBody, FlowBody } from "./types.ts";

/** Undefined for what is no event. Its type may be one that this package does not know. */
export function parseEvent(text: string): EventBody | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const fits = isObject(body) && typeof body.type === "string" && isObject(body.data);
  return fits ? (body as unknown as EventBody) : undefined;
}

/** One of a flow and its tasks: what a view can be kept current with. */
export function isOfFlow(event: EventBody): event is FlowBody {
  return /^(task|flow)\./.test(event.type) && typeof event.data.id === "string";
}
