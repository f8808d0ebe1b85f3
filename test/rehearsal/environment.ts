/**
 * One execution environment of a function: a process that loads the built bundle and handles one event at a time. The pool
 * (pool.ts) sends requests to the function URL as they are, and other events to `/_invoke`.
 *
 *     node environment.ts <bundle.mjs> <exported name> <function's name> <timeout in seconds>
 */
import http from "node:http";
import { pathToFileURL } from "node:url";
import { type Handler, invoke, serveFunctionUrl } from "@mjflow/local/lambda";
import { installStreamingRuntime } from "@mjflow/local/stream";

const [file = "", exported = "", name = "", timeout = ""] = process.argv.slice(2);
// The functions read `awslambda` when they are loaded.
installStreamingRuntime();
const handler = ((await import(pathToFileURL(file).href)) as Record<string, Handler>)[exported]!;

const server = http.createServer(async (request, response) => {
  if (request.url !== "/_invoke") return serveFunctionUrl(name, handler, Number(timeout), request, response);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const result = await invoke(name, handler, JSON.parse(Buffer.concat(chunks).toString()), Number(timeout));
    response.end(JSON.stringify(result ?? null));
  } catch (error) {
    response.writeHead(500).end(String((error as Error)?.stack ?? error));
  }
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as { port: number }).port));
process.on("disconnect", () => process.exit(0));
