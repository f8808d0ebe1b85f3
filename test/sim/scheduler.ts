/**
 * One thread of virtual time. Everything in a run is an event of this scheduler, and all promises settle between two events.
 * Events of the same time run in the order of their creation, so a run depends only on its seed.
 */
export interface Scheduler {
  now(): number;
  at(delayMs: number, run: () => void): void;
  /** Resolves after `delayMs` of virtual time. */
  pause(delayMs: number): Promise<void>;
  /**
   * Runs work that needs a thread or a stream, for example a decompression. The virtual time stands still meanwhile, and
   * one such work runs at a time, so a run still depends only on its seed.
   */
  outside<T>(work: () => Promise<T>): Promise<T>;
  /** Runs events until none is left, `done()` returns true or the horizon is reached. @returns the number of events */
  run(horizon: number, done?: () => boolean): Promise<number>;
}

interface Event {
  at: number;
  order: number;
  run: () => void;
}

export function createScheduler(start: number): Scheduler {
  const heap: Event[] = [];
  let now = start;
  let count = 0;
  const before = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order);

  function push(event: Event): void {
    let i = heap.push(event) - 1;
    for (let up = (i - 1) >> 1; i > 0 && before(event, heap[up]!); i = up, up = (i - 1) >> 1) heap[i] = heap[up]!;
    heap[i] = event;
  }

  function pop(): Event {
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (let down = 1; down < heap.length; i = down, down = 2 * i + 1) {
      if (down + 1 < heap.length && before(heap[down + 1]!, heap[down]!)) down++;
      if (!before(heap[down]!, last)) break;
      heap[i] = heap[down]!;
    }
    heap[i] = last;
    return top;
  }

  /** Work outside of the virtual time that the current event has started. */
  const waiting: (() => Promise<void>)[] = [];

  const at = (delayMs: number, run: () => void) => push({ at: now + Math.max(0, delayMs), order: count++, run });

  return {
    now: () => now,
    at,
    pause: (delayMs) => new Promise((resolve) => at(delayMs, resolve)),
    outside: (work) =>
      new Promise((resolve, reject) => {
        waiting.push(() => work().then(resolve, reject));
      }),
    async run(horizon, done = () => false) {
      let ran = 0;
      while (heap.length > 0 && heap[0]!.at <= horizon && !done()) {
        const event = pop();
        now = event.at;
        event.run();
        ran++;
        await settled();
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          await next();
          await settled();
        }
      }
      return ran;
    },
  };
}

/**
 * Resolves when all promises that can settle have settled: a next tick runs after the queue of promises is empty. It avoids
 * a turn of the event loop, which took a third of the time of a simulation. Code under test must wait only for promises, or
 * for `outside`.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
