/**
 * Loaded into a server process before its own code (NODE_OPTIONS=--import). It shifts the clock. It also writes to
 * files what a test cannot see from outside: the complete output, and the timeouts of the HTTP servers.
 */
import { subscribe } from "node:diagnostics_channel";
import { appendFileSync } from "node:fs";

const shift = Number(process.env.MJFLOW_TEST_SHIFT_MS ?? 0);
if (shift !== 0) {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...parts) {
      if (parts.length === 0) super(RealDate.now() + shift);
      else super(...parts);
    }
    static now() {
      return RealDate.now() + shift;
    }
  };
}

const file = process.env.MJFLOW_TEST_OUTPUT;
if (file) {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = (chunk, ...more) => {
      appendFileSync(file, chunk);
      return write(chunk, ...more);
    };
  }
}

const limits = process.env.MJFLOW_TEST_LIMITS;
if (limits) {
  subscribe("http.server.request.start", ({ request, server }) => {
    if (request.url !== "/healthz?limits") return;
    const { headersTimeout, requestTimeout, keepAliveTimeout } = server;
    appendFileSync(limits, JSON.stringify({ headersTimeout, requestTimeout, keepAliveTimeout }));
  });
}
