/**
 * Runs one bundle as Lambda does: in its own process, with exactly the links and environment of its function, on one
 * event that needs no AWS. This finds bundles that build but do not run, and functions that read a link which they do
 * not have.
 *
 *     node wake.mjs <bundle.mjs> <exported name> <function's name>     prints {loadMs, outcome}
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
const EVENTS = {
  Api: url("GET", "/"),
  Stream: url("GET", "/"),
  Callback: url("POST", "/callbacks/invalid"),
  Sweep: {},
  Reduce: {},
};
/** An empty batch: the function is composed, but has no message to handle. */
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
if (typeof handler !== "function") throw new Error(`${file} does not export ${exported}`);

console.log(JSON.stringify({ loadMs, outcome: await runOnce() }));

/**
 * Returns the response of the function, or `calledTable` if it tried to reach the table, which is not available here.
 */
async function runOnce() {
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
    // On a busy machine a connection to a closed port is sometimes reset instead of refused.
    if (["ECONNREFUSED", "ECONNRESET"].includes(error.code) || error.name === "TimeoutError")
      return { calledTable: true };
    throw error;
  }
}
