/**
 * A table with DynamoDB's latency and with its limit for each partition key, in virtual time. The engine runs on it unchanged.
 */
import { MjflowError } from "@mjflow/core/error";
import { type Item, itemBytes, keyOf } from "@mjflow/store/codec";
import type { Table } from "@mjflow/store/table";
import type { createRng } from "../sim/random.ts";
import type { Scheduler } from "../sim/scheduler.ts";
import quota from "./quota.json" with { type: "json" };

/** Medians of a lognormal latency, ms. */
const READ_MS = 3;
const WRITE_MS = 5;
const SIGMA = 0.3;
/** DynamoDB lets a key use the unused units of the last seconds. The SDK's retries wait about this long in total, ms. */
const BURST_S = 1;
const PATIENCE_MS = 700;

export interface SlowTable {
  table: Table;
  /** Write units by partition key. */
  used: Map<string, number>;
  /** Writes that lost a write conflict or failed their condition. */
  refused(): number;
}

export function slowTable(plain: Table, scheduler: Scheduler, rng: ReturnType<typeof createRng>): SlowTable {
  const used = new Map<string, number>();
  /** Time until which the units of a key are used up, ms. */
  const busyUntil = new Map<string, number>();
  let refused = 0;

  const latency = (median: number) => median * Math.exp(SIGMA * gaussian(rng));

  /** Waits until the key has units again, as the retries of the SDK do. @throws MjflowError `overloaded` after them */
  async function throttle(pk: string, units: number): Promise<void> {
    used.set(pk, (used.get(pk) ?? 0) + units);
    const unitMs = 1_000 / quota.partitionWriteUnits.value;
    const now = scheduler.now();
    const free = Math.max(busyUntil.get(pk) ?? 0, now - BURST_S * 1_000);
    if (free - now > PATIENCE_MS) {
      await scheduler.pause(PATIENCE_MS);
      throw new MjflowError("overloaded");
    }
    busyUntil.set(pk, free + units * unitMs);
    if (free > now) await scheduler.pause(free - now);
  }

  const unitsOf = (item: Item | undefined) => Math.max(1, Math.ceil(itemBytes(item ?? {}) / 1_024));
  const read = async <T>(work: () => Promise<T>): Promise<T> => {
    await scheduler.pause(latency(READ_MS));
    return work();
  };
  return {
    used,
    refused: () => refused,
    table: {
      async put(item, rev) {
        const { pk } = keyOf(item);
        await throttle(pk, unitsOf(item));
        await scheduler.pause(latency(WRITE_MS) / 2);
        const put = await plain.put(item, rev);
        if (!put.ok) refused++;
        await scheduler.pause(latency(WRITE_MS) / 2);
        return put;
      },
      async update(key, update) {
        await throttle(key.pk, unitsOf(await plain.get(key)));
        await scheduler.pause(latency(WRITE_MS) / 2);
        const updated = await plain.update(key, update);
        if (!updated.ok) refused++;
        await scheduler.pause(latency(WRITE_MS) / 2);
        return updated;
      },
      async delete(key, rev) {
        await throttle(key.pk, 1);
        await scheduler.pause(latency(WRITE_MS));
        return plain.delete(key, rev);
      },
      get: (key) => read(() => plain.get(key)),
      getAll: (keys) => read(() => plain.getAll(keys)),
      partition: (pk) => read(() => plain.partition(pk)),
      list: (listing) => read(() => plain.list(listing)),
    },
  };
}

function gaussian(rng: ReturnType<typeof createRng>): number {
  return Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
}
