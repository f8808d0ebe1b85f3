/**
 * A webhook handler: the handler of the callback submits the follow-ups directly. It is quick to write and has the
 * shortest delay.
 *
 * Weaknesses: a second SUCCESS callback presses again, and anyone can guess the URL. A submission without a response is
 * sent again immediately. A branch is lost if its callback is lost, arrives before the response, or meets a handler
 * that crashes. There are no due times.
 */
import type { BaselineEnvironment, Ports, Row, System } from "./environment.ts";

const ATTEMPTS = 5;

export function webhookSystem({ scheduler, childrenOf, submitRow }: BaselineEnvironment): System {
  async function submit({ table, vendor }: Ports, row: Row): Promise<void> {
    for (let i = 0; i < ATTEMPTS; i++) {
      const outcome = await submitRow(vendor, row);
      if (outcome.kind === "accepted") {
        return table.save({ ...row, status: "running", vendorTaskId: outcome.vendorTaskId });
      }
      if (outcome.kind === "refused") break;
      if (outcome.kind === "busy") await scheduler.pause(3_000 * 2 ** i);
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
