/** Waiting that can be called off, without leaving timers or listeners behind. */
import { aborted } from "./error.ts";

/** Above this, timers fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** @throws MjflowError aborted */
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
  /** Aborted by the caller's signal, or once the time is up. */
  signal: AbortSignal;
  /** The time was up first. */
  passed(): boolean;
  /** To be called when the work is over. */
  done(): void;
}

/** @param ms undefined or Infinity: no limit of its own */
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
