/**
 * Polling every 15 seconds: a row per press, one worker, one batched look-up a round. Children are stored in the
 * transaction that ends their parent, and a row in work is not taken up by the next round: nothing is ever forgotten.
 *
 * What it lacks: a submission without an answer is sent again in the next round, for there is nothing that would tell
 * whether the first was taken; it hears of an end half a round late; and it asks all day long.
 */
import type { Report } from "@mjflow/core/report";
import { ACCOUNT, type BaselineEnvironment, type Ports, type Row, type System } from "./environment.ts";

const GIVE_UP_MS = 3_600_000;
const MISSES = 20;

export function pollSystem({ scheduler, childrenOf, place }: BaselineEnvironment): System {
  const inWork = new Set<number>();
  const misses = new Map<number, number>();

  async function submit({ table, vendor }: Ports, row: Row): Promise<void> {
    if (scheduler.now() - row.createdAt > GIVE_UP_MS) return table.save({ ...row, status: "failed" });
    const answer = await place(vendor, row);
    if (answer.kind === "accepted")
      await table.save({ ...row, status: "running", vendorTaskId: answer.vendorTaskId, createdAt: scheduler.now() });
    if (answer.kind === "refused") await table.save({ ...row, status: "failed" });
  }

  async function look(ports: Ports, row: Row, report: Report | undefined): Promise<void> {
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
      await vendor.modal({ vendorTaskId: row.vendorTaskId!, prompt: "more sky" }, undefined as never);
    }
  }

  /** A row another round is at is left to it. */
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
      const asked = ids.length > 0 ? ports.vendor.lookup(ids, ACCOUNT) : undefined;
      const waiting = inParallel(
        open.filter((row) => row.status === "waiting"),
        (row) => submit(ports, row),
      );
      const answer = await asked?.catch(() => undefined);
      if (answer) {
        const byId = new Map(answer.reports.map((report) => [report.vendorTaskId, report]));
        await inParallel(running, (row) => look(ports, row, byId.get(row.vendorTaskId)));
      }
      await waiting;
    },
    // The one server died and was started again: what it was at is free.
    tickDied: () => inWork.clear(),
  };
}
