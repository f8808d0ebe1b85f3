/** Abortable waiting that leaves no timers or listeners behind. */
import { aborted } from "./error.ts";

/** Longest delay of a timer; a timer with a longer delay fires immediately. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** @throws MjflowError `aborted` if the signal is aborted */
export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted());
    const stop = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      },
      Math.min(ms, TIMER_MAX_MS),
    );
    signal?.addEventListener("abort", stop, { once: true });
  });

export interface Limit {
  /** Aborted by the caller's signal, or when the time is over. */
  signal: AbortSignal;
  /** True if the time limit was reached before the caller's signal. */
  passed(): boolean;
  /** Must be called when the work is done; removes timer and listener. */
  done(): void;
}

/** @param ms time limit; undefined or Infinity: no limit */
export function limit(outer: AbortSignal | undefined, ms: number | undefined): Limit {
  const controller = new AbortController();
  let passed = false;
  const stop = () => controller.abort();
  if (outer?.aborted) stop();
  else outer?.addEventListener("abort", stop, { once: true });
  const timer =
    ms === undefined || ms > TIMER_MAX_MS || controller.signal.aborted
      ? undefined
      : setTimeout(() => {
          passed = !controller.signal.aborted;
          stop();
        }, ms);
  return {
    signal: controller.signal,
    passed: () => passed,
    done() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", stop);
    },
  };
}
