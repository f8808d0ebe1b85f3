/** What the command line needs of the machine: given, so that tests give another. */

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  rows?: number | undefined;
}

export type Env = Readonly<Record<string, string | undefined>>;

export interface Platform {
  env: Env;
  cwd: string;
  stdout: Output;
  stderr: Output;
  /** Aborted by Ctrl-C, with the signal's name as its reason. Only who asks for it must clean up after itself. */
  readonly signal: AbortSignal;
  now(): number;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** This process. Signals keep their own meaning until `signal` is first asked for. */
export function processPlatform(): Platform {
  let controller: AbortController | undefined;
  return {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    get signal() {
      controller ??= catchSignals();
      return controller.signal;
    },
    now: Date.now,
  };
}

function catchSignals(): AbortController {
  const controller = new AbortController();
  for (const name of SIGNALS) {
    // Once: whoever presses Ctrl-C a second time means it.
    process.once(name, () => controller.abort(name));
  }
  return controller;
}
