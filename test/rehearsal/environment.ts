/**
 * One execution environment of a function: a process that loads the built bundle and handles one event at a time. The pool
 * (pool.ts) sends requests to the function URL as they are, and other events to `/_invoke`. After each event the process
 * tells the pool that it is free.
 *
 *     node environment.ts <bundle.mjs> <exported name> <function's name>
 */
import http from "node:http";
import { pathToFileURL } from "node:url";
import { type Handler, invoke, serveFunctionUrl } from "@mjflow/local/lambda";
import { installStreamingRuntime } from "@mjflow/local/stream";
import { TRACE_HEADER } from "./lineage.ts";
import { TIMEOUT_HEADER } from "./pool.ts";

const [file = "", exported = "", name = ""] = process.argv.slice(2);
// The functions read `awslambda` when they are loaded.
installStreamingRuntime();
const loaded = ((await import(pathToFileURL(file).href)) as Record<string, Handler>)[exported]!;

let running = 0;
/** The handler with a count of its running calls. A streaming handler has a mark of Lambda's, which is copied. */
const handler: Handler = Object.assign(async (...args: Parameters<Handler>) => {
  running++;
  try {
    return await (loaded as (...all: unknown[]) => unknown)(...args);
  } finally {
    running--;
  }
}, loaded);

async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const timeoutS = Number(request.headers[TIMEOUT_HEADER]);
  // The SDK reads this variable for each call, as in Lambda.
  process.env["_X_AMZN_TRACE_ID"] = String(request.headers[TRACE_HEADER]);
  if (request.url !== "/_invoke") return serveFunctionUrl(name, handler, timeoutS, request, response);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const result = await invoke(name, handler, JSON.parse(Buffer.concat(chunks).toString()), timeoutS);
    response.end(JSON.stringify(result ?? null));
  } catch (error) {
    response.writeHead(500).end(String((error as Error)?.stack ?? error));
  }
}

let isBusy = false;
const server = http.createServer(async (request, response) => {
  if (isBusy) {
    response.writeHead(500).end(`${name}: a second event in one environment`);
    return;
  }
  isBusy = true;
  await handle(request, response);
  if (!response.writableFinished && !response.destroyed)
    await new Promise((resolve) => response.once("finish", resolve).once("close", resolve));
  isBusy = false;
  // Lambda ends an environment whose function ran into its timeout.
  if (running > 0) process.exit(1);
  process.send?.("free");
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as { port: number }).port));
process.on("disconnect", () => process.exit(0));
