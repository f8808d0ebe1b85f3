/** Entry point of the command `mjflow`. */
import { exitOfSignal } from "./exit.ts";
import { processPlatform } from "./platform.ts";
import { run } from "./run.ts";

// A reader that closes the pipe early (`| head`) is not an error that needs a stack trace.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitOfSignal("SIGPIPE"));
  });
}

// `process.exit()` could end the process before the output has reached a pipe, so only the exit code is set.
process.exitCode = await run(process.argv.slice(2), processPlatform());
