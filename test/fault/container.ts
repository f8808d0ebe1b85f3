/**
 * A container of the callback function, as a worker thread with its own modules and the environment of a deployment.
 * Events arrive as messages, and the handler's responses are sent back as messages.
 */
import { parentPort, Worker } from "node:worker_threads";
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";

export interface Container {
  /** @returns the HTTP status of the response */
  post(token: string, body: string): Promise<number>;
  stop(): Promise<unknown>;
}

export function startContainer(env: Record<string, string>): Container {
  const worker = new Worker(new URL("container.ts", import.meta.url), { env, execArgv: [] });
  const waiting = new Map<number, PromiseWithResolvers<number>>();
  let count = 0;
  worker.on("message", ({ id, status }: { id: number; status: number }) => {
    waiting.get(id)?.resolve(status);
    waiting.delete(id);
  });
  worker.on("error", (error) => {
    for (const { reject } of waiting.values()) reject(error);
  });
  return {
    post(token, body) {
      const response = Promise.withResolvers<number>();
      waiting.set(++count, response);
      worker.postMessage({ id: count, event: eventOf(token, body) });
      return response.promise;
    },
    stop: () => worker.terminate(),
  };
}

function eventOf(token: string, body: string): Partial<LambdaFunctionURLEvent> {
  const requestContext = { http: { method: "POST" } } as LambdaFunctionURLEvent["requestContext"];
  return { rawPath: `/callbacks/${token}`, requestContext, body, isBase64Encoded: false };
}

if (parentPort) {
  const port = parentPort;
  const { handler } = await import("../../functions/callback.ts");
  port.on("message", async ({ id, event }: { id: number; event: LambdaFunctionURLEvent }) => {
    const { statusCode } = (await handler(event)) as Exclude<LambdaFunctionURLResult, string>;
    port.postMessage({ id, status: statusCode });
  });
}
