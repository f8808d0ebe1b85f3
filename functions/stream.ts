/**
 * Event streams and long polls as a Lambda function URL. The function has its own reserved concurrency, because each of its
 * requests holds an execution for up to half a minute.
 */
import { composeStream } from "./composition/stream.ts";
import { bufferedHandler, streamingHandler } from "./http/function-url.ts";
import { createStreamApp } from "./http/stream-app.ts";

/** Handles every request. It is built with the first request, so that loading the bundle needs no linked resources. */
async function handle(request: Request): Promise<Response> {
  const deps = composeStream();
  app ??= createStreamApp(deps);
  try {
    return await app.fetch(request);
  } finally {
    deps.log.flush();
  }
}
let app: ReturnType<typeof createStreamApp> | undefined;

type Runtime = typeof awslambda;

/** See `functions/api.ts`. */
const runtime = (globalThis as { awslambda?: Partial<Runtime> }).awslambda;

export const handler = runtime?.streamifyResponse
  ? streamingHandler(handle, runtime as Runtime)
  : bufferedHandler(handle);
