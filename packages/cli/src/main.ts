/** `mjflow` */
import { exitOfSignal } from "./exit.ts";
import { processPlatform } from "./platform.ts";
import { run } from "./run.ts";

// A reader that has seen enough (`| head`) is no reason for a stack.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitOfSignal("SIGPIPE"));
  });
}

// Not exit(): what was written to a pipe must get there first.
process.exitCode = await run(process.argv.slice(2), processPlatform());
