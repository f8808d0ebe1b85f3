/**
 * `callbacks` measures the handler of the callback function with Lambda's event. The baselines are the smallest
 * possible receivers. Progress that the flow does not store is dropped without a request; ends are recorded in the
 * embedded table.
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
  bare: "bare Hono: stored in memory",
  recorded: "mjflow: end, recorded",
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
