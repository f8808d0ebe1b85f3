/** Callback receiver for tests: an HTTP server on loopback that stores the bodies and responds with a fixed status. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Fields } from "./json.ts";

export interface Receiver {
  /** URL of the receiver. */
  hook: string;
  bodies: Fields[];
  contentTypes: (string | undefined)[];
  /** Returns status and progress of each body in order of arrival, such as "IN_PROGRESS 31%". */
  story(): string[];
  stop(): Promise<void>;
}

export async function startReceiver(httpStatus = 200): Promise<Receiver> {
  const bodies: Fields[] = [];
  const contentTypes: (string | undefined)[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    bodies.push(JSON.parse(Buffer.concat(chunks).toString("utf8")) as Fields);
    contentTypes.push(request.headers["content-type"]);
    response.writeHead(httpStatus).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    hook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks/secret-token`,
    bodies,
    contentTypes,
    story: () => bodies.map((body) => `${body.status} ${body.progress}`.trim()),
    async stop() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}
