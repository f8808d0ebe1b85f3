import { QUEUE_OF, type QueueName } from "@mjflow/core/message";

/** Returns the queue for a message body that this version may not be able to parse: by its type, or else `submit`. */
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
