/**
 * Dead-letter messages that this version cannot parse: invalid bodies, or messages of a newer version. They are moved
 * from the dead-letter queue, which deletes them after two weeks, to the table. There an operator redrives or discards
 * them.
 */

import { type DeadLetter, deadLetterIdOf } from "@mjflow/core/dead-letter";
import { MjflowError } from "@mjflow/core/error";
import { MessageError, parseMessage } from "@mjflow/core/message";
import type { EngineDeps } from "../deps.ts";

export interface UnreadableMessage {
  messageId: string;
  body: string;
  group?: string | undefined;
  sentAt: number;
  receives: number;
  why: string;
}

/** @throws if the table rejects the write; the message then stays in the queue */
export async function saveDeadLetter(
  { store, log }: Pick<EngineDeps, "store" | "log">,
  { messageId, body, group, sentAt, receives, why }: UnreadableMessage,
): Promise<void> {
  const id = deadLetterIdOf(sentAt, messageId);
  log.count("DeadLetters");
  log.error("dead-letter.kept", { letter: id, why, receives, bytes: body.length });
  const letter = { id, rev: 0, state: "kept" as const, body, why, receives, createdAt: sentAt };
  await store.saveNewDeadLetter({ ...letter, ...(group !== undefined && { group }) });
}

/**
 * Sends the message to the submit queue again, for example after a newer version was deployed. The message is sent
 * before the state is saved. After a crash between the two steps the message is sent twice, which is harmless; in the
 * other order it would be lost.
 *
 * @throws MjflowError `not_found`; `wrong_state` if the message was redriven or discarded before, or if this version cannot
 * parse it either: five receives later it would be a dead-letter message again; `write_conflict`
 */
export async function redriveDeadLetter(
  deps: Pick<EngineDeps, "store" | "queue" | "log">,
  id: string,
): Promise<DeadLetter> {
  const deadLetter = await getKeptDeadLetter(deps, id);
  assertParsable(deadLetter);
  await deps.queue.resend(deadLetter.body, deadLetter.group);
  return saveState(deps, deadLetter, "redriven");
}

/** @throws MjflowError `not_found`; `wrong_state` if the message was redriven or discarded before; `write_conflict` */
export async function discardDeadLetter(deps: Pick<EngineDeps, "store" | "log">, id: string): Promise<DeadLetter> {
  return saveState(deps, await getKeptDeadLetter(deps, id), "dropped");
}

function assertParsable({ body }: DeadLetter): void {
  try {
    parseMessage(body);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    throw new MjflowError("wrong_state", {
      detail: `This version cannot parse the message (${error.message}). Deploy a version that can, or discard the message.`,
    });
  }
}

async function getKeptDeadLetter({ store }: Pick<EngineDeps, "store">, id: string): Promise<DeadLetter> {
  const deadLetter = await store.getDeadLetter(id);
  if (!deadLetter) throw new MjflowError("not_found");
  if (deadLetter.state !== "kept")
    throw new MjflowError("wrong_state", { detail: `The dead-letter message is already ${deadLetter.state}.` });
  return deadLetter;
}

async function saveState(
  { store, log }: Pick<EngineDeps, "store" | "log">,
  deadLetter: DeadLetter,
  state: DeadLetter["state"],
) {
  const saved = await store.saveDeadLetter({ ...deadLetter, state });
  if (!saved.ok) throw new MjflowError("write_conflict", { detail: "Another request changed it at the same time." });
  log.info(`dead-letter.${state}`, { letter: deadLetter.id });
  return saved.item;
}
