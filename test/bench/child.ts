/** Child processes of a benchmark. A child sends one response to each request, over the channel that `fork` opens. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

export interface Child<Question, Answer> {
  pid: number;
  ask(question: Question): Promise<Answer>;
  /** Asks the process to exit and waits for its exit. */
  stop(): Promise<void>;
}

/** @param script file that calls `answer(…)` below; its output is shown */
export async function startChild<Question, Answer>(
  script: URL,
  options: object,
): Promise<{ child: Child<Question, Answer>; ready: Answer }> {
  const process = fork(script, [JSON.stringify(options)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const ready = (await nextOf(process, script)) as Answer;
  return {
    ready,
    child: {
      pid: process.pid!,
      async ask(question) {
        const answer = nextOf(process, script);
        process.send(question as object);
        return (await answer) as Answer;
      },
      async stop() {
        const exited = process.exitCode === null ? once(process, "exit") : undefined;
        if (process.connected) process.send({ stop: true });
        await exited;
      },
    },
  };
}

/**
 * The side of the child process.
 *
 * @param start gets the options; its `ready` is the first response and means that the child is ready
 */
export async function answer<Options, Question, Answer>(
  start: (options: Options) => Promise<{
    ready: Answer;
    ask?: (question: Question) => Promise<Answer>;
    stop: () => Promise<void>;
  }>,
): Promise<void> {
  const { ready, ask, stop } = await start(JSON.parse(process.argv[2]!) as Options);
  process.on("message", async (question: Question & { stop?: true }) => {
    if (!question.stop) return process.send!((await ask!(question)) as object);
    await stop();
    process.exit();
  });
  // If the benchmark ends, its child processes exit too.
  process.once("disconnect", () => void stop().finally(() => process.exit()));
  process.send!(ready as object);
}

function nextOf(process: ChildProcess, script: URL): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null) => reject(new Error(`${script.pathname} ended with ${code}`));
    process.once("exit", fail);
    process.once("message", (message) => {
      process.off("exit", fail);
      resolve(message);
    });
  });
}
