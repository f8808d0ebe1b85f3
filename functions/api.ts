/** The HTTP API as a Lambda function URL. */
import { handle } from "hono/aws-lambda";
import { createApp } from "./http/app.ts";
import { wireApi } from "./wire.ts";

let app: ReturnType<typeof handle> | undefined;

export const handler: ReturnType<typeof handle> = async (event, context) => {
  app ??= handle(createApp(wireApi()));
  try {
    return await app(event, context);
  } finally {
    wireApi().log.flush();
  }
};
