/**
 * The HTTP API as a Lambda function URL. Responses are streamed, because `/v1/flows/{id}/events` stays open for long.
 */
import { composeApi } from "./composition/api.ts";
import { createApp } from "./http/app.ts";
import { handlerOf } from "./http/function-url.ts";

export const handler = handlerOf(composeApi, createApp);
