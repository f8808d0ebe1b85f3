/**
 * `callbacks`: the receiver's own handler on Lambda's event, and beside it the smallest receivers there are. Progress that
 * nobody asked for is dropped without a request; ends are recorded in the embedded table.
 */
import type { Answer, Kind, Options, Sample } from "./callbacks/measure.ts";
import { startChild } from "./child.ts";
import { median } from "./stat.ts";

export interface CallbacksRow {
  kind: Kind;
  title: string;
  perS: number;
  cpuMs: number;
}

export interface CallbacksFound extends Options {
  rows: CallbacksRow[];
}

const TITLES: Record<Kind, string> = {
  dropped: "mjflow: progress, dropped",
  bare: "bare Hono: kept in memory",
  recorded: "mjflow: an end, recorded",
  put: "bare Hono: one conditional put",
};

export async function benchCallbacks(options: Options): Promise<CallbacksFound> {
  const { child, ready } = await startChild<never, Answer>(new URL("./callbacks/measure.ts", import.meta.url), options);
  await child.stop();
  const kinds = Object.keys(TITLES) as Kind[];
  const middle = (samples: readonly Sample[], of: (sample: Sample) => number) => median(samples.map(of));
  const rows = kinds.map((kind) => ({
    kind,
    title: TITLES[kind],
    perS: middle(ready.samples[kind], ({ perS }) => perS),
    cpuMs: middle(ready.samples[kind], ({ cpuMs }) => cpuMs),
  }));
  return { ...options, rows };
}
