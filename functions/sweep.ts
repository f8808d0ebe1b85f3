/** Each minute: what is overdue. */
import { type SweepResult, sweep } from "@mjflow/engine/sweep";
import { composeSweep } from "./composition/sweep.ts";

export async function handler(): Promise<SweepResult> {
  const deps = composeSweep();
  try {
    const swept = await sweep(deps);
    if (swept.overdue > 0) deps.log.info("swept", { ...swept });
    return swept;
  } finally {
    deps.log.flush();
  }
}
