/** A job of a sweep worker: to handle one part of the due index. It is a message of its own queue. */
import { duePartition } from "./due.ts";

export interface SweepJob {
  v: 1;
  type: "sweep";
  /** A partition of the due index (due.ts). */
  partition: string;
  /** The slice of the partition that this job handles, from 0. Unset: the whole partition. */
  slice?: number;
  /** When the dispatcher made the job, epoch ms. */
  at: number;
}

/** Number of slices of a partition that has too much for one worker. */
export const SWEEP_SLICES = 4;
/** A job that is older does nothing, ms: the dispatcher has made newer ones. */
export const SWEEP_JOB_LIFE_MS = 120_000;

/** @returns undefined if this version does not know the job */
export function parseSweepJob(text: string): SweepJob | undefined {
  let body: Partial<SweepJob> | null;
  try {
    body = JSON.parse(text) as Partial<SweepJob> | null;
  } catch {
    return undefined;
  }
  const { v, type, partition, slice, at } = body ?? {};
  const isKnown =
    v === 1 && type === "sweep" && typeof at === "number" && duePartition(String(partition)) !== undefined;
  if (!isKnown || !(slice === undefined || (Number.isInteger(slice) && slice >= 0 && slice < SWEEP_SLICES)))
    return undefined;
  return { v: 1, type: "sweep", partition: String(partition), at, ...(slice !== undefined && { slice }) };
}

/** Returns the name of the slice in lease rows. */
export function sliceName({ slice }: Pick<SweepJob, "slice">): string {
  return slice === undefined ? "all" : String(slice);
}
