/** The part of the sst program that SST's components call while they are created: JSON-RPC over HTTP on loopback. */
import http from "node:http";

/** @param {Record<string, (params: any) => unknown>} methods */
export async function startRpc(methods) {
  // On a busy machine seconds pass between two calls. A connection that is closed meanwhile would fail the next one.
  const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, params } = JSON.parse(Buffer.concat(chunks).toString());
    try {
      // SST's client recognises a missing method by this text.
      if (!methods[method]) throw new Error(`rpc: can't find method ${method}`);
      response.end(JSON.stringify({ result: await methods[method](params[0]) }));
    } catch (error) {
      response.end(JSON.stringify({ error: String(error?.message ?? error) }));
    }
  });
  // Bundles are built one after the other, which can take minutes on a busy machine. SST's client may reuse a connection after that,
  // while the server closes it.
  server.keepAliveTimeout = 0;
  // The server must not keep the process alive: evaluate.mjs is complete when the process has nothing left to do.
  server.unref();
  server.on("connection", (socket) => socket.unref());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}` };
}
