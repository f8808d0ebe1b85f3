import { createServer } from "node:net";

/** Everything local listens here and nowhere else: an engine checks no credentials. */
export const LOOPBACK = "127.0.0.1";

/** A port nobody listens on at the moment. Another process may take it before we do: whoever uses it tries again. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, LOOPBACK, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
