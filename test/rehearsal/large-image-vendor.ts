/** A vendor whose images are larger than one part of an upload, and whose links work a moment after its callback. */
import http from "node:http";

export interface LargeImageVendor {
  url: string;
  /** Size of an image in bytes: two parts of an upload. */
  bytes: number;
  stop(): void;
}

const BYTES = 9 * 1024 * 1024;
/** The first bytes of a PNG, by which Archive knows the type. */
const HEAD = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1");
/** The last chunk of a PNG, without which Archive takes the image for incomplete. */
const END = Buffer.from("\0\0\0\0IEND\xae\x42\x60\x82", "latin1");

export async function startLargeImageVendor(): Promise<LargeImageVendor> {
  const image = Buffer.concat([HEAD, Buffer.alloc(BYTES - HEAD.length - END.length, 1), END]);
  let downloads = 0;
  let tasks = 0;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === "/large.png") {
      const isEarly = downloads++ === 0;
      return void response.writeHead(isEarly ? 404 : 200, { "content-type": "image/png" }).end(isEarly ? "" : image);
    }
    // The path begins with the mode.
    if (!request.url?.endsWith("/mj/submit/imagine")) return void response.writeHead(404).end("{}");
    const { notifyHook, state } = JSON.parse(Buffer.concat(chunks).toString()) as { notifyHook: string; state: string };
    const id = String(1_700_000_000_000_000 + ++tasks);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ code: 1, description: "Submit success", result: id }));
    const body = { id, state, action: "IMAGINE", status: "SUCCESS", progress: "100%", imageUrl: `${url}/large.png` };
    setTimeout(() => {
      const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      fetch(notifyHook, options).catch(() => undefined);
    }, 500);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return {
    url,
    bytes: BYTES,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
