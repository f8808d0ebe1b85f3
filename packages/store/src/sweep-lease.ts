/** Leases of sweep workers, one row for each part of the due index that was ever handled. */
import type { SweepLeases } from "@mjflow/core/port";
import { type SweepJob, sliceName } from "@mjflow/core/sweep-job";
import { entity } from "./entity.ts";
import { type Key, sweepLeaseKey } from "./keys.ts";
import { createRows } from "./rows.ts";
import type { Table } from "./table.ts";

interface LeaseRow extends Key {
  rev: number;
  /** End of the lease, epoch ms. */
  until: number;
  /** True while a run has not ended. */
  open?: boolean;
}

const LEASE = entity<LeaseRow, "pk" | "sk">()({
  key: ({ pk, sk }) => ({ pk, sk }),
  idOf: (key) => key,
  fields: {
    until: ["le", "number"],
    open: ["op", "flag"],
  },
});

export function createSweepLeases(table: Table): SweepLeases {
  const rows = createRows({ table }, LEASE);
  const keyOf = (job: SweepJob) => sweepLeaseKey(job.partition, sliceName(job));
  return {
    async take(job, now, until) {
      const key = keyOf(job);
      const held = await rows.get(key);
      const isHeld = held?.open === true && held.until > now;
      if (isHeld) return undefined;
      const rev = held?.rev ?? 0;
      const put = await rows.put({ ...key, rev, until, open: true }, held?.rev);
      return put.ok ? { job, rev: rev + 1, crashed: held?.open === true } : undefined;
    },
    async end({ job, rev }) {
      await rows.put({ ...keyOf(job), rev, until: 0 }, rev);
    },
  };
}
