/** The HTTP API as a Lambda function URL, whose responses are streamed: `/v1/flows/{id}/events` has no end to wait for. */
import type { Hono } from "hono";
import { handle, streamHandle } from "hono/aws-lambda";
import { createApp } from "./http/app.ts";
import { wireApi } from "./wire.ts";

/** What each request goes through: built with the first, so that loading the bundle needs nothing that is linked. */
const app = {
  async fetch(...args: Parameters<Hono["fetch"]>): Promise<Response> {
    const deps = wireApi();
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
 * Lambda's runtime has the global, and on it what streams; whoever loads the bundle elsewhere gets the plain handler. The
 * AWS SDK makes an empty global of that name for its own use.
 */
const { awslambda } = globalThis as { awslambda?: object };
export const handler = awslambda && "streamifyResponse" in awslambda ? streamHandle(app) : handle(app);
