/** Replaces the EventBridge schedule on one machine. Runs never overlap; a slow run only delays the next one. */
import { type Handler, invoke } from "./lambda.ts";

export interface Cron {
  stop(): Promise<void>;
}

export function startCron(name: string, handler: Handler, everyMs: number, timeoutS: number): Cron {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopping = false;
  const next = () => {
    if (!stopping) timer = setTimeout(run, everyMs);
  };
  const run = () => {
    running = invoke(name, handler, {}, timeoutS)
      .catch((error: unknown) => {
        console.error(JSON.stringify({ level: "error", function: name, event: "lambda.failed", error: String(error) }));
      })
      .then(next);
  };
  next();
  return {
    async stop() {
      stopping = true;
      clearTimeout(timer);
      await running;
    },
  };
}
