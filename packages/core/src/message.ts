/**
 * What the queues carry (Q1): ids only, versioned, under 200 bytes. A consumer that meets a version it does not know
 * fails the record, so that it returns until the newer code that does know it is deployed, or reaches the dead letters.
 */
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
export interface TakenMessage {
  v: 1;
  type: "taken";
  flowId: string;
  path: string;
  attempt: number;
  vendorTaskId: string;
  /** It waits for a prompt or mask. */
  window: boolean;
}

export type Message = SubmitMessage | TakenMessage;

export function submitMessage(flowId: string, path: string): SubmitMessage {
  return { v: 1, type: "submit", flowId, path };
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
  const { type, flowId, path, attempt, vendorTaskId, window } = body;
  if (typeof flowId !== "string" || typeof path !== "string" || !isTaskAt(flowId, path)) {
    throw new MessageError("names no task");
  }
  if (type === "submit") return submitMessage(flowId, path);
  if (type !== "taken") throw new MessageError("unknown type");
  if (!Number.isInteger(attempt) || typeof vendorTaskId !== "string" || typeof window !== "boolean") {
    throw new MessageError("lacks the vendor's answer");
  }
  return { v: 1, type, flowId, path, attempt: attempt as number, vendorTaskId, window };
}

function isTaskAt(flowId: string, path: string): boolean {
  return isFlowId(flowId) && parseTaskId(taskIdOf(flowId, path)) !== undefined;
}
