/**
 * Event streams and long polls as a Lambda function URL. The function has its own reserved concurrency, because each of its
 * requests holds an execution for up to half a minute.
 */
import { composeStream } from "./composition/stream.ts";
import { handlerOf } from "./http/function-url.ts";
import { createStreamApp } from "./http/stream-app.ts";

export const handler = handlerOf(composeStream, createStreamApp);
