/**
 * A poller that runs every 15 seconds, with a row per press, one worker and one batched look-up per round. Children are
 * stored in the transaction that ends their parent. A round skips rows that an earlier round still handles. Therefore
 * no task is lost.
 *
 * Weaknesses: a submission without a response is sent again in the next round, because nothing shows whether the vendor
 * accepted the first. The end of a task is found half a round late on average. Polling never stops.
 */
import type { Report } from "@mjflow/core/report";
import { ACCOUNT, type BaselineEnvironment, type Ports, type Row, type System } from "./environment.ts";

const GIVE_UP_MS = 3_600_000;
const MISSES = 20;

export function pollSystem({ scheduler, childrenOf, submitRow }: BaselineEnvironment): System {
  const inWork = new Set<number>();
  const misses = new Map<number, number>();

  async function submit({ table, vendor }: Ports, row: Row): Promise<void> {
    if (scheduler.now() - row.createdAt > GIVE_UP_MS) return table.save({ ...row, status: "failed" });
    const outcome = await submitRow(vendor, row);
    if (outcome.kind === "accepted")
      await table.save({ ...row, status: "running", vendorTaskId: outcome.vendorTaskId, createdAt: scheduler.now() });
    if (outcome.kind === "refused") await table.save({ ...row, status: "failed" });
  }

  async function handleReport(ports: Ports, row: Row, report: Report | undefined): Promise<void> {
    const { table, vendor } = ports;
    const missed = report ? 0 : (misses.get(row.id) ?? 0) + 1;
    misses.set(row.id, missed);
    const late = scheduler.now() - row.createdAt > GIVE_UP_MS;
    if (report?.status === "SUCCESS") {
      const children = childrenOf(row, report);
      await table.save({ ...row, status: "done" }, ...children);
      await inParallel(
        children.filter((child) => child.status === "waiting"),
        (child) => submit(ports, child),
      );
    } else if (report?.status === "FAILURE" || late || missed > MISSES) {
      await table.save({ ...row, status: "failed" });
    } else if (report?.status === "MODAL") {
      const context = { account: ACCOUNT, notifyHook: "", state: `${row.flow}_${row.path}_modal` };
      await vendor.modal({ vendorTaskId: row.vendorTaskId!, prompt: "more sky" }, context);
    }
  }

  /** Handles the rows in parallel and skips rows that another round handles. */
  async function inParallel(rows: readonly Row[], work: (row: Row) => Promise<void>): Promise<void> {
    const free = rows.filter((row) => !inWork.has(row.id));
    for (const row of free) inWork.add(row.id);
    const each = free.map((row) =>
      work(row)
        .catch(() => {})
        .finally(() => inWork.delete(row.id)),
    );
    await Promise.all(each);
  }

  return {
    async accept({ table }, root) {
      await table.save(root);
      return true;
    },
    async tick(ports) {
      const open = (await ports.table.open()).filter((row) => !inWork.has(row.id));
      const running = open.filter((row) => row.status === "running");
      const ids = running.map((row) => row.vendorTaskId!);
      const lookup = ids.length > 0 ? ports.vendor.lookup(ids, ACCOUNT) : undefined;
      const waiting = inParallel(
        open.filter((row) => row.status === "waiting"),
        (row) => submit(ports, row),
      );
      const found = await lookup?.catch(() => undefined);
      if (found) {
        const byId = new Map(found.reports.map((report) => [report.vendorTaskId, report]));
        await inParallel(running, (row) => handleReport(ports, row, byId.get(row.vendorTaskId)));
      }
      await waiting;
    },
    // The only server crashed and was restarted, so no row is being handled.
    tickDied: () => inWork.clear(),
  };
}
