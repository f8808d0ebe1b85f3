/** Leases of sweep workers, one row for each part of the due index that was ever handled. */
import type { SweepLeases } from "@mjflow/core/port";
import { type SweepJob, sliceName } from "@mjflow/core/sweep-job";
import { type Fields, fieldsOf, REV_ATTRIBUTE, row } from "./codec.ts";
import { sweepLeaseKey } from "./keys.ts";
import type { Table } from "./table.ts";

interface LeaseRow {
  rev: number;
  /** End of the lease, epoch ms. */
  until: number;
  /** True while a run has not ended. */
  open?: boolean;
}

const LEASE = {
  rev: [REV_ATTRIBUTE, "number"],
  until: ["le", "number"],
  open: ["op", "flag"],
} as const satisfies Fields<keyof LeaseRow>;

export function createSweepLeases(table: Table): SweepLeases {
  const keyOf = (job: SweepJob) => sweepLeaseKey(job.partition, sliceName(job));
  return {
    async take(job, now, until) {
      const key = keyOf(job);
      const item = await table.get(key);
      const held = item && (fieldsOf(item, LEASE) as unknown as LeaseRow);
      const isHeld = held?.open === true && held.until > now;
      if (isHeld) return undefined;
      const rev = (held?.rev ?? 0) + 1;
      const put = await table.put(row(key, LEASE, { rev, until, open: true }), held?.rev);
      return put.ok ? { job, rev, crashed: held?.open === true } : undefined;
    },
    async end({ job, rev }) {
      await table.put(row(keyOf(job), LEASE, { rev: rev + 1, until: 0 }), rev);
    },
  };
}
