/**
 * A webhook handler: the callback's own work is to press what comes next. Quick to write, and as fast as can be.
 *
 * What it lacks: a second SUCCESS presses again; an address anyone can guess; an answer that never came is sent again at
 * once; a callback that is lost, overtakes its answer, or finds the handler dying, is the end of its branch; no clock.
 */
import type { BaselineEnvironment, Ports, Row, System } from "./environment.ts";

const TRIES = 5;

export function webhookSystem({ scheduler, childrenOf, place }: BaselineEnvironment): System {
  async function submit({ table, vendor }: Ports, row: Row): Promise<void> {
    for (let i = 0; i < TRIES; i++) {
      const answer = await place(vendor, row);
      if (answer.kind === "accepted") {
        return table.save({ ...row, status: "running", vendorTaskId: answer.vendorTaskId });
      }
      if (answer.kind === "refused") break;
      if (answer.kind === "busy") await scheduler.pause(3_000 * 2 ** i);
    }
    await table.save({ ...row, status: "failed" });
  }

  return {
    async accept(ports, root) {
      await submit(ports, root);
      return true;
    },
    async callback(ports, report) {
      const row = await ports.table.find(report.vendorTaskId ?? "");
      if (!row) return false;
      if (report.status === "FAILURE") await ports.table.save({ ...row, status: "failed" });
      if (report.status === "SUCCESS") {
        await ports.table.save({ ...row, status: "done" });
        const children = childrenOf(row, report);
        await Promise.all(
          children.map((child) => (child.status === "failed" ? ports.table.save(child) : submit(ports, child))),
        );
      }
      return true;
    },
  };
}
