/** The HTTP API as a Lambda function URL, whose responses are streamed: `/v1/flows/{id}/events` has no end to wait for. */
import type { LambdaFunctionURLEvent } from "aws-lambda";
import type { Hono } from "hono";
import { handle, streamHandle } from "hono/aws-lambda";
import { composeApi } from "./composition/api.ts";
import { createApp } from "./http/app.ts";

/** What each request goes through: built with the first, so that loading the bundle needs nothing that is linked. */
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

/** Methods that fetch's own `Request` refuses to be made with; the adapter would answer them 200. */
const UNSUPPORTED_METHOD = new Set(["TRACE", "TRACK", "CONNECT"]);

type Runtime = typeof awslambda;
type Streaming = Parameters<Runtime["streamifyResponse"]>[0];

/**
 * Lambda's runtime has the global, and on it what streams; whoever loads the bundle elsewhere gets the plain handler. The
 * AWS SDK makes an empty global of that name for its own use.
 */
const runtime = (globalThis as { awslambda?: Partial<Runtime> }).awslambda;

function streaming({ streamifyResponse, HttpResponseStream }: Runtime) {
  const handled = streamHandle(app) as unknown as Streaming;
  return streamifyResponse(async (event: LambdaFunctionURLEvent, stream, context) => {
    if (UNSUPPORTED_METHOD.has(event.requestContext.http.method)) {
      const headers = { "content-type": "text/plain" };
      HttpResponseStream.from(stream, { statusCode: 405, headers }).end("no such method");
    } else await handled(event, stream, context);
  });
}

export const handler = runtime?.streamifyResponse ? streaming(runtime as Runtime) : handle(app);
