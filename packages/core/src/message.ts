/**
 * What the queues carry (Q1): ids only, versioned, under 200 bytes. A consumer that meets a version it does not know
 * fails the record, so that it returns until the newer code that does know it is deployed, or reaches the dead letters.
 */
import { isFlowId } from "./id.ts";

/** "This task may be due for a vendor call": a hint to look at the row, never an order. Doubled, it does nothing. */
export interface SubmitMessage {
  v: 1;
  type: "submit";
  flowId: string;
  path: string;
}

export type Message = SubmitMessage;

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
  if (body["type"] !== "submit") throw new MessageError("unknown type");
  const { flowId, path } = body;
  if (typeof flowId !== "string" || !isFlowId(flowId) || typeof path !== "string" || path === "") {
    throw new MessageError("names no task");
  }
  return submitMessage(flowId, path);
}
