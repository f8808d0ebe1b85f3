/**
 * Imports one bundle in a new process, and prints how long that took and how much CPU the process used for it. With an event it also
 * calls the function once, and prints the same from the start of the import to the end of the response:
 *
 *     node load.mjs <bundle.mjs> [<event as JSON>]     prints {importMs, importCpuMs, ms, cpuMs, status, body}
 */
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const [file, event] = process.argv.slice(2);
let status;
globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { streams: true }),
  HttpResponseStream: {
    from(stream, head) {
      status = head.statusCode;
      return stream;
    },
  },
};

const url = pathToFileURL(file).href;
const [startedAt, usedBefore] = [performance.now(), process.cpuUsage()];
const { handler } = await import(url);
const [importMs, importCpuMs] = spent();
const body = event && (await call(JSON.parse(event)));
const [ms, cpuMs] = spent();
process.stdout.write(JSON.stringify({ importMs, importCpuMs, ms, cpuMs, status, body }), () => process.exit());

function spent() {
  const { user, system } = process.cpuUsage(usedBefore);
  return [performance.now() - startedAt, (user + system) / 1_000];
}

async function call(event) {
  const context = { functionName: "bench", getRemainingTimeInMillis: () => 30_000 };
  if (!handler.streams) {
    const result = await handler(event, context);
    status = result.statusCode;
    return result.body;
  }
  const stream = new PassThrough();
  const [body] = await Promise.all([text(stream), handler(event, stream, context)]);
  return body;
}
