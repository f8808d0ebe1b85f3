/** Ctrl-C, and what a supervisor sends. */

/** @param stop run at the first signal; the process ends at once at a second, or when stopping fails */
export function onStopSignal(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // A second signal means it: whatever is unfinished is found again at the next start.
      if (stopping) process.exit(1);
      stopping = true;
      stop().catch((error: unknown) => {
        console.error(error);
        process.exit(1);
      });
    });
  }
}
