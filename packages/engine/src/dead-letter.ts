/**
 * Dead letters nobody can read: a poisoned body, or a message of newer code. They are taken off their queue, which would
 * forget them after two weeks, and kept in the table until a person sends them again or lets them go.
 */

import { type DeadLetter, deadLetterIdOf } from "@mjflow/core/dead-letter";
import { MjflowError } from "@mjflow/core/error";
import type { EngineDeps } from "./deps.ts";

export interface UnreadableMessage {
  messageId: string;
  body: string;
  sentAt: number;
  receives: number;
  why: string;
}

/** @throws when the table will not keep it: the queue does until then. */
export async function saveDeadLetter(
  { store, log }: Pick<EngineDeps, "store" | "log">,
  { messageId, body, sentAt, receives, why }: UnreadableMessage,
): Promise<void> {
  const id = deadLetterIdOf(sentAt, messageId);
  log.count("DeadLetters");
  log.error("dead-letter.kept", { letter: id, why, receives, bytes: body.length });
  await store.saveNewDeadLetter({ id, rev: 0, state: "kept", body, why, receives, createdAt: sentAt });
}

/**
 * Back to the submit queue, as after newer code was deployed. Sent first, noted after: a crash between sends it twice,
 * which a message can stand; the other way round it would be lost.
 *
 * @throws MjflowError not_found; conflict when it was decided on before
 */
export async function redriveDeadLetter(
  deps: Pick<EngineDeps, "store" | "queue" | "log">,
  id: string,
): Promise<DeadLetter> {
  const deadLetter = await getUndecidedDeadLetter(deps, id);
  await deps.queue.resend(deadLetter.body);
  return recordDecision(deps, deadLetter, "redriven");
}

/** @throws MjflowError not_found; conflict when it was decided on before */
export async function discardDeadLetter(deps: Pick<EngineDeps, "store" | "log">, id: string): Promise<DeadLetter> {
  return recordDecision(deps, await getUndecidedDeadLetter(deps, id), "dropped");
}

async function getUndecidedDeadLetter({ store }: Pick<EngineDeps, "store">, id: string): Promise<DeadLetter> {
  const deadLetter = await store.getDeadLetter(id);
  if (!deadLetter) throw new MjflowError("not_found");
  if (deadLetter.state !== "kept")
    throw new MjflowError("conflict", { detail: `The letter was ${deadLetter.state} before.` });
  return deadLetter;
}

async function recordDecision(
  { store, log }: Pick<EngineDeps, "store" | "log">,
  deadLetter: DeadLetter,
  state: DeadLetter["state"],
) {
  const saved = await store.saveDeadLetter({ ...deadLetter, state });
  if (!saved.ok) throw new MjflowError("conflict", { detail: "Somebody else decided on it at the same moment." });
  log.info(`dead-letter.${state}`, { letter: deadLetter.id });
  return saved.item;
}
