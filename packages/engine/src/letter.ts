/**
 * Dead letters nobody can read: a poisoned body, or a message of newer code. They are taken off their queue, which would
 * forget them after two weeks, and kept in the table until a person sends them again or lets them go.
 */

import { type DeadLetter, deadLetterIdOf } from "@mjflow/core/dead-letter";
import { MjflowError } from "@mjflow/core/error";
import type { Deps } from "./deps.ts";

export interface Unreadable {
  messageId: string;
  body: string;
  sentAt: number;
  receives: number;
  why: string;
}

/** @throws when the table will not keep it: the queue does until then. */
export async function keepLetter(
  { store, log }: Pick<Deps, "store" | "log">,
  { messageId, body, sentAt, receives, why }: Unreadable,
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
export async function redriveLetter(deps: Pick<Deps, "store" | "queue" | "log">, id: string): Promise<DeadLetter> {
  const letter = await openLetter(deps, id);
  await deps.queue.resend(letter.body);
  return decideOn(deps, letter, "redriven");
}

/** @throws MjflowError not_found; conflict when it was decided on before */
export async function dropLetter(deps: Pick<Deps, "store" | "log">, id: string): Promise<DeadLetter> {
  return decideOn(deps, await openLetter(deps, id), "dropped");
}

async function openLetter({ store }: Pick<Deps, "store">, id: string): Promise<DeadLetter> {
  const letter = await store.getDeadLetter(id);
  if (!letter) throw new MjflowError("not_found");
  if (letter.state !== "kept") throw new MjflowError("conflict", { detail: `The letter was ${letter.state} before.` });
  return letter;
}

async function decideOn({ store, log }: Pick<Deps, "store" | "log">, letter: DeadLetter, state: DeadLetter["state"]) {
  const saved = await store.saveDeadLetter({ ...letter, state });
  if (!saved.ok) throw new MjflowError("conflict", { detail: "Somebody else decided on it at the same moment." });
  log.info(`dead-letter.${state}`, { letter: letter.id });
  return saved.item;
}
