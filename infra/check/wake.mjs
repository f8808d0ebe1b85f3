/**
 * Runs one bundle as Lambda would: in a process of its own, with the links and the environment that its function is given
 * and nothing else, on one event that needs no AWS. A bundle can be built of what cannot run, and a function that reads a
 * link it was not given fails with its first event.
 *
 *     node wake.mjs <bundle.mjs> <exported name> <function's name>     prints {loadMs, answer}
 */
import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";

const url = (method, rawPath) => ({
  version: "2.0",
  rawPath,
  rawQueryString: "",
  headers: { host: "function.example" },
  requestContext: { domainName: "function.example", http: { method, path: rawPath } },
  isBase64Encoded: false,
});
const EVENTS = { Api: url("GET", "/healthz"), Callback: url("POST", "/callbacks/nobodys"), Sweep: {} };
/** An empty batch: everything is wired, nothing is done. */
const BATCH = { Records: [] };

const [file, exported, name] = process.argv.slice(2);
let head;
globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { streams: true }),
  HttpResponseStream: {
    from(stream, given) {
      head = given;
      return stream;
    },
  },
};

const start = performance.now();
const handler = (await import(pathToFileURL(file).href))[exported];
const loadMs = Math.round(performance.now() - start);
if (typeof handler !== "function") throw new Error(`no ${exported}`);

console.log(JSON.stringify({ loadMs, answer: await answered() }));

/** What it answers; of a table that nobody can reach, that it was asked for. */
async function answered() {
  const context = { functionName: name, getRemainingTimeInMillis: () => 10_000 };
  const event = EVENTS[name] ?? BATCH;
  if (handler.streams) {
    const stream = new PassThrough();
    stream.resume();
    await handler(event, stream, context);
    return { streamed: head?.statusCode };
  }
  try {
    return await handler(event, context);
  } catch (error) {
    // On a busy machine a connection that nobody takes is sometimes reset instead.
    if (["ECONNREFUSED", "ECONNRESET"].includes(error.code) || error.name === "TimeoutError")
      return { asked: "the table" };
    throw error;
  }
}
