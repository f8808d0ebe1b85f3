/** Child processes of a benchmark. A child sends one response to each request, over the channel that `fork` opens. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

export interface Child<Question, Answer> {
  pid: number;
  ask(question: Question): Promise<Answer>;
  /** Asks the process to exit and waits for its exit. */
  stop(): Promise<void>;
}

/** How a program is started by its users. */
export interface NodeOptions {
  execArgv?: readonly string[];
  env?: Record<string, string>;
}

/** @param script file that calls `answer(…)` below; its output is shown */
export async function startChild<Question, Answer>(
  script: URL,
  options: object,
  { execArgv = process.execArgv, env }: NodeOptions = {},
): Promise<{ child: Child<Question, Answer>; ready: Answer }> {
  const child = fork(script, [JSON.stringify(options)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: [...execArgv],
    env: { ...process.env, ...env },
  });
  const ready = (await nextOf(child, script)) as Answer;
  return {
    ready,
    child: {
      pid: child.pid!,
      async ask(question) {
        const answer = nextOf(child, script);
        child.send(question as object);
        return (await answer) as Answer;
      },
      async stop() {
        const exited = child.exitCode === null ? once(child, "exit") : undefined;
        if (child.connected) child.send({ stop: true });
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

function nextOf(child: ChildProcess, script: URL): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (code: number | null) => reject(new Error(`${script.pathname} ended with ${code}`));
    child.once("exit", fail);
    child.once("message", (message) => {
      child.off("exit", fail);
      resolve(message);
    });
  });
}
