/**
 * Time as an argument. The simulator asks a Clock for the hour and for every delay it makes on purpose, so a test can
 * move a whole task through its life without sleeping. Network timeouts stay on the real clock: sockets do not wait for us.
 */
export interface Clock {
  now(): number;
  /** Runs once after the delay, unless the returned function is called first. */
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
  /** Moves time on, running every timer that falls due, in order, at its own moment. */
  advance(ms: number): void;
}

/**
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
