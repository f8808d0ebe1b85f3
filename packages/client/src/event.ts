/** Parses an event from the text of a stream or a webhook. Only the outline is checked; `data` is not validated. */
import { isObject } from "./problem.ts";
import type { EventBody, FlowBody } from "./types.ts";

/** Returns undefined if the text is not an event. The type may be unknown to this package. */
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

/** True for an event of a flow or a task, which can update a flow. */
export function isOfFlow(event: EventBody): event is FlowBody {
  return /^(task|flow)\./.test(event.type) && typeof event.data.id === "string";
}
