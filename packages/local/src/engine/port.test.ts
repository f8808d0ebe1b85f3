import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort, LOOPBACK } from "./port.ts";

/** First port that Linux gives to an outgoing connection; macOS and Windows begin later. */
const FIRST_OUTGOING_PORT = 32_768;

test("a free port and the next one can be bound, and no outgoing connection can take them", async () => {
  const port = await freePort();
  expect(port + 1).toBeLessThan(FIRST_OUTGOING_PORT);
  for (const each of [port, port + 1]) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(each, LOOPBACK, resolve));
    await new Promise((closed) => server.close(closed));
  }
});
