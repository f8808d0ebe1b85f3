/**
 * What the queues carry (Q1): ids only, versioned, under 200 bytes. A consumer that meets a version it does not know
 * fails the record, so that it returns until the newer code that does know it is deployed, or reaches the dead letters.
 */
import { TILE_ACTION } from "./button.ts";
import { parseDeliveryId } from "./delivery.ts";
import { FLOW_SUBJECT } from "./event.ts";
import { isFlowId, parseTaskId, taskIdOf } from "./id.ts";

/** "This task may be due for a vendor call": a hint to look at the row, never an order. Doubled, it does nothing. */
export interface SubmitMessage {
  v: 1;
  type: "submit";
  flowId: string;
  path: string;
}

/**
 * "The vendor took this attempt under this id": sent only when the table would not store the answer of a paid call.
 * The one message that carries knowledge, because it exists nowhere else.
 */
export interface AcceptedMessage {
  v: 1;
  type: "taken";
  flowId: string;
  path: string;
  attempt: number;
  vendorTaskId: string;
  /** It waits for a prompt or mask. */
  window: boolean;
}

/** "Something happened to this task, or to the flow": whoever listens is to be told. */
export interface NotifyMessage {
  v: 1;
  type: "tell";
  flowId: string;
  /** A task's path, or `FLOW_PLACE`. */
  place: string;
}

/** "This delivery may be due for a try." */
export interface DeliverMessage {
  v: 1;
  type: "deliver";
  deliveryId: string;
}

/** "This success has pictures to copy", or, of a tile, to cut. */
export interface ArchiveMessage {
  v: 1;
  type: "archive";
  flowId: string;
  path: string;
}

export type Message = SubmitMessage | AcceptedMessage | NotifyMessage | DeliverMessage | ArchiveMessage;

/** Which queue carries what: downloads and dead receivers must not hold up a submission. */
export const QUEUE_OF = {
  submit: "submit",
  taken: "submit",
  tell: "deliver",
  deliver: "deliver",
  archive: "archive",
} as const satisfies Record<Message["type"], string>;
export type QueueName = (typeof QUEUE_OF)[Message["type"]];

export function submitMessage(flowId: string, path: string): SubmitMessage {
  return { v: 1, type: "submit", flowId, path };
}

export function notifyMessage(flowId: string, place: string): NotifyMessage {
  return { v: 1, type: "tell", flowId, place };
}

export function deliverMessage(deliveryId: string): DeliverMessage {
  return { v: 1, type: "deliver", deliveryId };
}

/** A hint that a task waits for work: a vendor's, or, for a tile, our own. */
export function workMessage({ flowId, path, action }: { flowId: string; path: string; action: string }): Message {
  return action === TILE_ACTION ? archiveMessage(flowId, path) : submitMessage(flowId, path);
}

export function archiveMessage(flowId: string, path: string): ArchiveMessage {
  return { v: 1, type: "archive", flowId, path };
}

export class MessageError extends Error {
  override readonly name = "MessageError";
}

/** @throws MessageError for text that is not a message this code understands; its text is not quoted. */
export function parseMessage(text: string): Message {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new MessageError("not JSON");
  }
  if (typeof body !== "object" || body === null) throw new MessageError("not an object");
  if (body["v"] !== 1) throw new MessageError(`unknown version ${JSON.stringify(body["v"])?.slice(0, 20)}`);
  const { type, flowId, path, place, deliveryId, attempt, vendorTaskId, window } = body;
  if (type === "deliver") {
    if (typeof deliveryId !== "string" || !parseDeliveryId(deliveryId)) throw new MessageError("names no delivery");
    return deliverMessage(deliveryId);
  }
  if (type === "tell") {
    if (typeof flowId !== "string" || typeof place !== "string" || !isSubject(flowId, place)) {
      throw new MessageError("names neither task nor flow");
    }
    return notifyMessage(flowId, place);
  }
  if (typeof flowId !== "string" || typeof path !== "string" || !isTaskRef(flowId, path)) {
    throw new MessageError("names no task");
  }
  if (type === "submit") return submitMessage(flowId, path);
  if (type === "archive") return archiveMessage(flowId, path);
  if (type !== "taken") throw new MessageError("unknown type");
  if (!Number.isInteger(attempt) || typeof vendorTaskId !== "string" || typeof window !== "boolean") {
    throw new MessageError("lacks the vendor's answer");
  }
  return { v: 1, type, flowId, path, attempt: attempt as number, vendorTaskId, window };
}

function isSubject(flowId: string, place: string): boolean {
  return place === FLOW_SUBJECT ? isFlowId(flowId) : isTaskRef(flowId, place);
}

function isTaskRef(flowId: string, path: string): boolean {
  return isFlowId(flowId) && parseTaskId(taskIdOf(flowId, path)) !== undefined;
}
