/** Handles Ctrl-C and SIGTERM. */

/** @param stop runs at the first signal; the process ends immediately at a second signal or if `stop` fails */
export function onStopSignal(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // A second signal ends the process immediately. Unfinished work is found at the next start.
      if (stopping) process.exit(1);
      stopping = true;
      stop().catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
    });
  }
}
