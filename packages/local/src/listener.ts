/** Where the local server listens, and how it stops listening. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { ConfigError } from "./config-error.ts";
import { LOOPBACK } from "./engine/port.ts";

/**
 * Time that requests in progress have after a stop signal, ms. A stream ends only with its flow or its time limit. Its
 * client connects again and continues after the last event.
 */
const DRAIN_MS = 5_000;
/** Interval in which the stop closes connections that have become idle, ms. */
const IDLE_CHECK_MS = 50;

/**
 * Connections that wait to be accepted; the system may allow fewer. With Node's 511 a burst of connections overflows the queue: the
 * clients then wait for a second or longer, or their connection is reset.
 */
const BACKLOG = 4_096;

/**
 * Longest time without a request on an open connection, ms. A proxy in front keeps idle connections for 60 s (nginx, AWS load balancers). If this
 * server closed them first, a request could arrive on a connection that was just closed, and the client would see a reset.
 */
export const IDLE_MS = 75_000;

/** Returns the URL under which this machine reaches a server that listens on the host. */
export function urlOf(host: string, port: number): string {
  const name = host === "0.0.0.0" ? LOOPBACK : host === "::" ? "::1" : host;
  return `http://${isIPv6(name) ? `[${name}]` : name}:${port}`;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** @throws ConfigError if the address cannot be used */
export async function listen(port: number, host: string): Promise<Server> {
  // Until the functions are imported, requests get 503 with Retry-After.
  const limits = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: IDLE_MS };
  // Interval in which Node checks these limits. With Node's own 30 s the longest limit would double.
  const server = createServer({ ...limits, connectionsCheckingInterval: 5_000 });
  server.on("request", respondStarting);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const advice = adviceOf(error.code, port, host);
      reject(advice === undefined ? error : new ConfigError(advice));
    });
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  return server;
}

function adviceOf(code: string | undefined, port: number, host: string): string | undefined {
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} is in use. Set MJFLOW_PORT to another port (0: any free port).`;
    case "EACCES":
      return `Port ${port} is not allowed for this user. Set MJFLOW_PORT to another port (0: any free port).`;
    case "EADDRNOTAVAIL":
      return `This machine does not have the address ${host}. Set MJFLOW_HOST to one of its addresses, or to 0.0.0.0 for all.`;
    default:
      return undefined;
  }
}

export function respondStarting(_: unknown, response: ServerResponse): void {
  response.writeHead(503, { "retry-after": "1" }).end();
}

/** Accepts no more connections and waits for the requests in progress, at most `drainMs`. Then it cuts them off. */
export function close(server: Server, drainMs = DRAIN_MS): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), drainMs);
    // A connection whose request ends after the stop signal becomes idle. Its client may keep it open.
    const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
}
