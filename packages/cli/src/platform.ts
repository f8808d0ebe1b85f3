/** What the command line needs from its environment. It is passed as a parameter, so that tests can replace it. */

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
  /**
   * Aborted by a stop signal (Ctrl-C) with the signal's name as its reason. Reading this property installs the signal
   * handlers, so the reader must then end the command itself.
   */
  readonly signal: AbortSignal;
  now(): number;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Returns the platform of this process. Signals keep their default action until `signal` is first read. */
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
    // `once`: a second Ctrl-C has its default action and ends the process.
    process.once(name, () => controller.abort(name));
  }
  return controller;
}
