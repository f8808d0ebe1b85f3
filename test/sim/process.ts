/**
 * Processes that can crash. A process reaches the outside only through ports that are wrapped here. Each call of a port has
 * two points, before and after its effect, and the process can crash at both. A crashed process never continues: effects
 * before the crash stay, and effects after it do not happen.
 */
import type { Scheduler } from "./scheduler.ts";

export interface CrashPoint {
  /** Number of the point in the whole run. */
  index: number;
  process: string;
  call: string;
  when: "before" | "after";
}

export type CallOutcome =
  | { kind: "go"; delayMs: number }
  | { kind: "die" }
  | { kind: "throw"; delayMs: number; error: Error };

export interface Processes {
  /** Starts `body`. `end` gets its result, or undefined if the process crashed or threw. */
  start<T>(name: string, body: (wrap: Wrap) => Promise<T>, end?: (result: T | undefined) => void): void;
  readonly points: number;
  readonly killed: number;
}

/** Wraps a port for one process, so that the process can crash at each call. */
export type Wrap = <P extends object>(name: string, port: P) => P;

/** @param onLeft called for each process that ended while a call of a port was under way. Lambda freezes it with the call. */
export function createProcesses(
  scheduler: Scheduler,
  outcomeAt: (point: CrashPoint) => CallOutcome,
  onLeft: (process: string, call: string) => void = () => {},
): Processes {
  let points = 0;
  let killed = 0;

  return {
    get points() {
      return points;
    },
    get killed() {
      return killed;
    },
    start(name, body, end) {
      let alive = true;
      const underWay: string[] = [];

      function pass(call: string, when: CrashPoint["when"]): Promise<void> {
        if (!alive) return new Promise(() => {});
        const outcome = outcomeAt({ index: points++, process: name, call, when });
        if (outcome.kind === "die") {
          alive = false;
          killed++;
          end?.(undefined);
          return new Promise(() => {});
        }
        return new Promise((resolve, reject) => {
          scheduler.at(outcome.delayMs, () => {
            if (!alive) return;
            if (outcome.kind === "throw") reject(outcome.error);
            else resolve();
          });
        });
      }

      const wrap: Wrap = (portName, port) =>
        new Proxy(port, {
          get(target, verb) {
            const original = target[verb as keyof typeof target];
            if (typeof original !== "function") return original;
            return async (...args: unknown[]) => {
              const call = `${portName}.${String(verb)}`;
              underWay.push(call);
              try {
                await pass(call, "before");
                const result: unknown = await original.apply(target, args);
                await pass(call, "after");
                return result;
              } finally {
                underWay.splice(underWay.indexOf(call), 1);
              }
            };
          },
        });

      body(wrap)
        .finally(() => {
          if (alive) for (const call of underWay) onLeft(name, call);
        })
        .then(
          (result) => alive && end?.(result),
          () => alive && end?.(undefined),
        );
    },
  };
}
