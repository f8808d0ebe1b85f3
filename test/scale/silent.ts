/** Counts the due entries of a flow whose vendor sends no callback. */
import { createTestHarness } from "../support/harness.ts";

const MINUTE_MS = 60_000;
const FLOWS = 20;
/** Minutes until a task is finished at the vendor. */
const DONE_AFTER_MIN = 2;

/** @returns entries that the sweeper handles for each flow of one imagine and four upscales */
export async function countSilentEntries(): Promise<number> {
  const harness = createTestHarness();
  for (let i = 0; i < FLOWS; i++) await harness.start({ then: [1, 2, 3, 4].map((n) => ({ press: `U${n}` })) });
  let entries = 0;
  const doneAt = new Map<string, number>();
  for (let minute = 0; minute < 120; minute++) {
    await harness.drain();
    for (const call of harness.vendor.calls) {
      if (!doneAt.has(call.id)) doneAt.set(call.id, minute + DONE_AFTER_MIN);
      if (doneAt.get(call.id) === minute) harness.vendor.holds(call, "SUCCESS");
    }
    harness.advance(MINUTE_MS);
    entries += (await harness.sweep()).overdue;
    await harness.drain();
  }
  const { flows } = harness.dump();
  const unfinished = flows.filter(({ status }) => status !== "completed").length;
  if (unfinished > 0) throw new Error(`${unfinished} of ${FLOWS} flows have not ended`);
  return entries / FLOWS;
}
