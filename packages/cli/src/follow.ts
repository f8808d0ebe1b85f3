/** A flow watched to its end: drawn over itself on a screen, line by line elsewhere, silent for machines. */
import { type Flow, isMjflowError, type Task } from "@mjflow/client";
import type { Context } from "./context.ts";
import { bars } from "./draw/bars.ts";
import { modalHint } from "./draw/flow.ts";
import { Live } from "./draw/live.ts";
import { FlowStillRunningError } from "./error.ts";
import { plain } from "./paint.ts";
import { fit } from "./text.ts";
import { stopwatch } from "./time.ts";

const TICK_MS = 1_000;
const MODAL_GRACE_MS = 3_000;

export interface FollowOptions {
  timeoutMs?: number | undefined;
}

/** @throws FlowGoesOn when Ctrl-C, `--timeout` or the connection ended the watching */
export async function follow(context: Context, flowId: string, { timeoutMs }: FollowOptions = {}): Promise<Flow> {
  const show = context.json ? undefined : context.isScreen ? screen(context) : log(context);
  try {
    return await context.mjflow.flows.wait(flowId, {
      signal: context.signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(show && { onUpdate: show.update }),
    });
  } catch (error) {
    const isOver = isMjflowError(error) && ["aborted", "timeout", "unreachable"].includes(error.code);
    throw isOver ? new FlowStillRunningError(flowId, error) : error;
  } finally {
    show?.end();
  }
}

interface Show {
  update(flow: Flow): void;
  end(): void;
}

function screen({ platform, paint }: Context): Show {
  const live = new Live(platform.stdout);
  const startedAt = platform.now();
  const windows = new OpenModals();
  let tasks: readonly Task[] = [];
  const draw = () => {
    // One column is left free: some terminals break the line after the last.
    const columns = (platform.stdout.columns ?? 80) - 1;
    const hints = windows.waiting(tasks, platform.now()).map((task) => fit(modalHint(task), columns - 2));
    live.draw([
      ...bars(tasks, paint, columns),
      ...hints.map((hint) => `  ${paint("yellow", hint)}`),
      paint("dim", `  ${stopwatch(platform.now() - startedAt)}`),
    ]);
  };
  const timer = setInterval(draw, TICK_MS);
  timer.unref();
  return {
    update(flow) {
      tasks = flow.tasks;
      draw();
    },
    end() {
      clearInterval(timer);
      live.end();
    },
  };
}

/** A plan answers its windows within a moment; one that stays open waits for a person. */
class OpenModals {
  readonly #since = new Map<string, number>();

  waiting(tasks: readonly Task[], nowMs: number): Task[] {
    const open = tasks.filter(({ status }) => status === "MODAL");
    for (const id of this.#since.keys()) if (!open.some((task) => task.id === id)) this.#since.delete(id);
    for (const { id } of open) if (!this.#since.has(id)) this.#since.set(id, nowMs);
    return open.filter(({ id }) => nowMs - this.#since.get(id)! >= MODAL_GRACE_MS);
  }
}

/** Where nothing can be drawn over, a line whenever a task has got into another status. */
function log(context: Context): Show {
  const told = new Map<string, string>();
  return {
    update({ tasks }) {
      const lines = bars(tasks, plain, context.columns);
      for (const [i, task] of tasks.entries()) {
        if (told.get(task.id) === task.status) continue;
        told.set(task.id, task.status);
        context.say(lines[i]!);
      }
    },
    end() {},
  };
}
