/** Dead letters: a message that failed too often ends its task with a typed failure, so that no flow hangs (Q2). */
import { failure } from "@mjflow/core/error";
import type { TaskRef } from "@mjflow/core/port";
import { apply } from "./apply.ts";
import type { Deps } from "./deps.ts";
import { perform } from "./perform.ts";

/**
 * A task that a vendor may already have is left to the sweeper: it was paid for, and its result still counts.
 */
export async function bury(
  deps: Pick<Deps, "store" | "queue" | "clock" | "timings" | "log">,
  ref: TaskRef,
): Promise<void> {
  deps.log.count("DeadLetters");
  const task = await deps.store.getTask(ref);
  if (!task) return deps.log.warn("dead-letter.no-such-task", { flow: ref.flowId, path: ref.path });
  const applied = await apply(deps, task, { kind: "abandon", failure: failure("dead_letter") });
  deps.log.error("dead-letter", { flow: ref.flowId, path: ref.path, status: applied.task.status });
  await perform(deps, applied);
}
