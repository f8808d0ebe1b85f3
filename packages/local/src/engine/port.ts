import { createServer } from "node:net";

/** Address of all local servers. They listen on no other address, because the emulators check no credentials. */
export const LOOPBACK = "127.0.0.1";

/**
 * First and last port that `freePort` tries. Both are below the ports that Linux, macOS and Windows give to outgoing connections.
 * A port of those may be free now and be the source of another program's connection a moment later.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 100;

/**
 * Returns a free TCP port whose next port is free, too: a local server gives the next one to its simulator. Another process may
 * take either before the caller does, so the caller must handle that.
 *
 * @throws Error if none of many tried ports is free
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error(`no two TCP ports in a row are free from ${FIRST_PORT} to ${LAST_PORT}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}
