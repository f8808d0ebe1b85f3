import { createServer } from "node:net";

/** Address of all local servers. They listen on no other address, because the emulators check no credentials. */
export const LOOPBACK = "127.0.0.1";

/** Returns a free TCP port. Another process may take it before the caller does, so the caller must handle that. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, LOOPBACK, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the system returned no TCP port");
  return address.port;
}
