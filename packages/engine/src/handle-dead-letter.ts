/** Dead letters: a message that failed too often ends its task with a typed failure, so that no flow hangs (Q2). */
import { failure } from "@mjflow/core/error";
import type { Message } from "@mjflow/core/message";
import type { TaskRef } from "@mjflow/core/port";
import { isEnded } from "@mjflow/core/task";
import { applySignal } from "./apply-signal.ts";
import type { EngineDeps } from "./deps.ts";
import { runEffects } from "./run-effects.ts";

type DeadLetterDeps = Pick<EngineDeps, "store" | "queue" | "clock" | "timings" | "log">;

/** @throws when the table fails: the letter stays where it is */
export async function handleDeadLetter(deps: DeadLetterDeps, message: Message): Promise<void> {
  deps.log.count("DeadLetters");
  switch (message.type) {
    case "submit":
    case "taken":
      return failTask(deps, message);
    case "archive":
      return skipArchive(deps, message);
    case "tell":
    case "deliver": {
      // What was to be told is owed by a row, whose due time sends the message again: nothing is lost, only late.
      const at = message.type === "tell" ? `${message.flowId} ${message.place}` : message.deliveryId;
      return deps.log.error("dead-letter.delivery", { at });
    }
  }
}

/**
 * A task that a vendor may already have is left to the sweeper: it was paid for, and its result still counts.
 */
async function failTask(deps: DeadLetterDeps, ref: TaskRef): Promise<void> {
  const task = await deps.store.getTask(ref);
  if (!task) return deps.log.warn("dead-letter.no-such-task", { flow: ref.flowId, path: ref.path });
  const applied = await applySignal(deps, task, { kind: "abandon", failure: failure("dead_letter") });
  deps.log.error("dead-letter", { flow: ref.flowId, path: ref.path, status: applied.task.status });
  await runEffects(deps, applied);
}

/** Pictures that could not be copied stay where the vendor has them; a tile that could not be cut has failed. */
async function skipArchive(deps: DeadLetterDeps, ref: TaskRef): Promise<void> {
  const task = await deps.store.getTask(ref);
  if (!task || !isEnded(task)) return failTask(deps, ref);
  deps.log.error("dead-letter.archive", { flow: ref.flowId, path: ref.path });
  await runEffects(deps, await applySignal(deps, task, { kind: "archived", copies: [] }));
}
