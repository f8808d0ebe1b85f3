/**
 * The clock is an argument. The simulator uses it for the current time and for every intended delay, so a test can run a
 * whole task without waiting. Network timeouts use the real clock, because sockets do not follow a manual clock.
 */
export interface Clock {
  now(): number;
  /** Runs `run` once after the delay, unless the returned function cancels the timer first. */
  setTimer(run: () => void, delayMs: number): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(run, delayMs) {
    const timer = setTimeout(run, Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};

export interface ManualClock extends Clock {
  /** Advances the time and runs each due timer in order, at its own time. */
  advance(ms: number): void;
}

/**
 * Creates a clock that only `advance` moves.
 *
 * @example
 * const clock = manualClock();
 * const simulator = await startSimulator({ clock });
 * clock.advance(10_000); // every task submitted so far is finished
 */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let now = startMs;
  let order = 0;
  const timers = new Set<{ dueMs: number; order: number; run: () => void }>();

  function earliest(untilMs: number) {
    let first: { dueMs: number; order: number; run: () => void } | undefined;
    for (const timer of timers) {
      if (timer.dueMs > untilMs) continue;
      if (!first || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order))
        first = timer;
    }
    return first;
  }

  return {
    now: () => now,
    setTimer(run, delayMs) {
      const timer = { dueMs: now + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const untilMs = now + ms;
      for (let timer = earliest(untilMs); timer; timer = earliest(untilMs)) {
        timers.delete(timer);
        now = Math.max(now, timer.dueMs);
        timer.run();
      }
      now = untilMs;
    },
  };
}
