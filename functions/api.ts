/**
 * The HTTP API as a Lambda function URL. Responses are streamed, because `/v1/flows/{id}/events` stays open for long.
 */
import { composeApi } from "./composition/api.ts";
import { createApp } from "./http/app.ts";
import { bufferedHandler, streamingHandler } from "./http/function-url.ts";

/** Handles every request. It is built with the first request, so that loading the bundle needs no linked resources. */
async function handle(request: Request): Promise<Response> {
  const deps = composeApi();
  app ??= createApp(deps);
  try {
    return await app.fetch(request);
  } finally {
    deps.log.flush();
  }
}
let app: ReturnType<typeof createApp> | undefined;

type Runtime = typeof awslambda;

/**
 * The global of Lambda's Node.js runtime, which has the streaming functions. Outside Lambda the bundle exports the
 * plain handler. The global can exist without these functions, because the AWS SDK creates an empty one for its own
 * use.
 */
const runtime = (globalThis as { awslambda?: Partial<Runtime> }).awslambda;

export const handler = runtime?.streamifyResponse
  ? streamingHandler(handle, runtime as Runtime)
  : bufferedHandler(handle);
