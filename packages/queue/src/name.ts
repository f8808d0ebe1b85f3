import { QUEUE_OF, type QueueName } from "@mjflow/core/message";

/** Where a body belongs that this code may not understand: by its type where that is known, else with the submissions. */
export function queueOfBody(body: string): QueueName {
  try {
    const { type } = JSON.parse(body) as { type?: unknown };
    return typeof type === "string" && Object.hasOwn(QUEUE_OF, type)
      ? QUEUE_OF[type as keyof typeof QUEUE_OF]
      : "submit";
  } catch {
    return "submit";
  }
}
