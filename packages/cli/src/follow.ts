/**
 * Follows a flow until it ends. On a terminal the progress is redrawn in place; elsewhere each change is a line; with
 * `--json` nothing is printed.
 */
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

/** @throws FlowStillRunningError if Ctrl-C, `--timeout` or a lost connection ended the following */
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
  const modals = new OpenModals();
  let tasks: readonly Task[] = [];
  const draw = () => {
    // One column stays free, because some terminals wrap the line after the last column.
    const columns = (platform.stdout.columns ?? 80) - 1;
    const hints = modals.waiting(tasks, platform.now()).map((task) => fit(modalHint(task), columns - 2));
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

/**
 * Finds the modals that wait for a person. A plan answers its modals within a moment, so only a modal that stays open
 * longer counts.
 */
class OpenModals {
  readonly #since = new Map<string, number>();

  waiting(tasks: readonly Task[], nowMs: number): Task[] {
    const open = tasks.filter(({ status }) => status === "MODAL");
    for (const id of this.#since.keys()) if (!open.some((task) => task.id === id)) this.#since.delete(id);
    for (const { id } of open) if (!this.#since.has(id)) this.#since.set(id, nowMs);
    return open.filter(({ id }) => nowMs - this.#since.get(id)! >= MODAL_GRACE_MS);
  }
}

/** Prints a line for each new task status, for outputs that cannot be redrawn. */
function log(context: Context): Show {
  const printed = new Map<string, string>();
  return {
    update({ tasks }) {
      const lines = bars(tasks, plain, context.columns);
      for (const [i, task] of tasks.entries()) {
        if (printed.get(task.id) === task.status) continue;
        printed.set(task.id, task.status);
        context.say(lines[i]!);
      }
    },
    end() {},
  };
}
