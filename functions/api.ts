/**
 * The HTTP API as a Lambda function URL. Responses are streamed, because `/v1/flows/{id}/events` stays open for long.
 */
import type { LambdaFunctionURLEvent } from "aws-lambda";
import type { Hono } from "hono";
import { handle, streamHandle } from "hono/aws-lambda";
import { composeApi } from "./composition/api.ts";
import { createApp } from "./http/app.ts";

/** Handles every request. It is built with the first request, so that loading the bundle needs no linked resources. */
const app = {
  async fetch(...args: Parameters<Hono["fetch"]>): Promise<Response> {
    const deps = composeApi();
    built ??= createApp(deps) as unknown as Hono;
    try {
      return await built.fetch(...args);
    } finally {
      deps.log.flush();
    }
  },
} as Hono;
let built: Hono | undefined;

/**
 * HTTP methods that the constructor of `Request` rejects. Without this check Hono's adapter would respond 200 to them.
 */
const UNSUPPORTED_METHOD = new Set(["TRACE", "TRACK", "CONNECT"]);

type Runtime = typeof awslambda;
type Streaming = Parameters<Runtime["streamifyResponse"]>[0];

/**
 * The global of Lambda's Node.js runtime, which has the streaming functions. Outside Lambda the bundle exports the
 * plain handler. The global can exist without these functions, because the AWS SDK creates an empty one for its own
 * use.
 */
const runtime = (globalThis as { awslambda?: Partial<Runtime> }).awslambda;

function streaming({ streamifyResponse, HttpResponseStream }: Runtime) {
  const handled = streamHandle(app) as unknown as Streaming;
  return streamifyResponse(async (event: LambdaFunctionURLEvent, stream, context) => {
    if (UNSUPPORTED_METHOD.has(event.requestContext.http.method)) {
      const headers = { "content-type": "text/plain" };
      HttpResponseStream.from(stream, { statusCode: 405, headers }).end("method not allowed");
    } else await handled(event, stream, context);
  });
}

export const handler = runtime?.streamifyResponse ? streaming(runtime as Runtime) : handle(app);
