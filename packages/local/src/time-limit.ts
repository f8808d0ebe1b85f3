/**
 * A time limit for many pieces of work at one time. Nearly all of them end long before, so they share one timer. A timer for each would
 * cost more than the rest of a short invocation.
 */
export interface TimeLimit {
  /**
   * Starts the time of one piece of work.
   *
   * @param expire called once if the time is over before `end` was called
   * @returns must be called when the work has ended
   */
  start(expire: () => void): () => void;
}

interface Running {
  endsAt: number;
  expire(): void;
}

export function createTimeLimit(limitMs: number): TimeLimit {
  /** All have the same limit, so the first one ends first. */
  const running = new Set<Running>();
  let isPlanned = false;

  function plan(): void {
    const [first] = running;
    if (isPlanned || first === undefined) return;
    isPlanned = true;
    // `unref`: the work itself keeps the process alive.
    setTimeout(check, Math.max(1, first.endsAt - performance.now())).unref();
  }

  function check(): void {
    isPlanned = false;
    const now = performance.now();
    for (const own of running) {
      if (own.endsAt > now) break;
      running.delete(own);
      own.expire();
    }
    plan();
  }

  return {
    start(expire) {
      const own = { endsAt: performance.now() + limitMs, expire };
      running.add(own);
      if (!isPlanned) plan();
      return () => void running.delete(own);
    },
  };
}
