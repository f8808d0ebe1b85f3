/** The sweeper: runs each minute and handles every row whose due time has passed. */
import { type SweepResult, sweep } from "@mjflow/engine/sweep";
import { composeSweep } from "./composition/sweep.ts";

export async function handler(): Promise<SweepResult> {
  const deps = composeSweep();
  try {
    const result = await sweep(deps);
    if (result.overdue > 0) deps.log.info("swept", { ...result });
    return result;
  } finally {
    deps.log.flush();
  }
}
