/** Files in requests of the client: they are uploaded first, and the API key never reaches the bucket. */
import { afterEach, describe, expect, test } from "vitest";
import { type CannedResponse, flow, KEY, type Server, serve } from "./test-server.ts";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 1, 2, 3]);
const HEIC = new Uint8Array([0, 0, 0, 24, ...new TextEncoder().encode("ftypheic")]);

let server: Server;
afterEach(() => server?.close());

/** @param put responds to the request to the presigned URL */
async function bucket(put: CannedResponse = (response) => response.end()): Promise<Server> {
  let uploads = 0;
  server = await serve((response, request, n) => {
    if (request.method === "PUT") return put(response, request, n);
    response.setHeader("content-type", "application/json");
    if (request.path !== "/v1/uploads") return response.end(JSON.stringify(flow("running", [])));
    const id = `upload_${++uploads}`;
    const { contentType } = JSON.parse(request.body);
    const headers = { "Content-Type": contentType };
    response.writeHead(201).end(JSON.stringify({ id, url: `${server.url}/bucket/${id}?signature=x`, headers }));
  });
  return server;
}

describe("uploads.send", () => {
  test("announces type and size, sends the bytes without the API key, and returns the upload", async () => {
    const { requests, client } = await bucket();
    expect((await client().uploads.send(PNG)).id).toBe("upload_1");
    const [announced, sent] = requests;
    expect(JSON.parse(announced!.body)).toEqual({ contentType: "image/png", bytes: PNG.length });
    expect([sent!.method, sent!.path]).toEqual(["PUT", "/bucket/upload_1?signature=x"]);
    expect(sent!.headers).toMatchObject({ "content-type": "image/png", "content-length": String(PNG.length) });
    expect(JSON.stringify(sent)).not.toContain(KEY);
  });

  test("rejects a file of another format before any request", async () => {
    const { requests, client } = await bucket();
    await expect(client().uploads.send(new Blob([HEIC]))).rejects.toMatchObject({ code: "invalid_argument" });
    expect(requests).toEqual([]);
  });

  test("repeats the transfer while the bucket is busy", async () => {
    const { client } = await bucket((response, _, n) => response.writeHead(n === 0 ? 503 : 200).end());
    await client().uploads.send(PNG);
    expect(server.requests.filter(({ method }) => method === "PUT")).toHaveLength(2);
  });

  test("rejects with upload_failed if the bucket refuses the image", async () => {
    const { client } = await bucket((response) => response.writeHead(403).end());
    await expect(client().uploads.send(PNG)).rejects.toMatchObject({ code: "upload_failed", retry: "never" });
    expect(server.requests.filter(({ method }) => method === "PUT")).toHaveLength(1);
  });
});

describe("files in requests", () => {
  const bodyOf = (path: string) => JSON.parse(server.requests.find((request) => request.path === path)!.body);

  test("become the ids of their uploads in every field, and a file that occurs twice is sent once", async () => {
    const { client } = await bucket();
    const then = [{ press: "U1", then: [{ press: "vary:region", modal: { prompt: "x", maskBase64: PNG } }] }];
    await client().flows.create({ action: "edit", image: PNG, base64Array: ["https://x.test/a.png", PNG], then });
    const id = "upload_1";
    const plan = [{ press: "U1", then: [{ press: "vary:region", modal: { prompt: "x", maskBase64: id } }] }];
    expect(bodyOf("/v1/flows")).toEqual({
      action: "edit",
      image: id,
      base64Array: ["https://x.test/a.png", id],
      then: plan,
    });
    expect(server.count("/v1/uploads")).toBe(1);
  });

  test("of a press and of a modal answer are uploaded, too", async () => {
    const { client } = await bucket();
    await client().tasks.press("task_1", { press: "vary:region", modal: { maskBase64: new Blob([PNG]) } });
    await client().tasks.modal("task_1", { maskBase64: PNG });
    expect(bodyOf("/v1/tasks/task_1/actions").modal.maskBase64).toBe("upload_1");
    expect(bodyOf("/v1/tasks/task_1/modal").maskBase64).toBe("upload_2");
  });

  test("of all flows of a batch, and of its shared fields, are uploaded once each", async () => {
    const { client } = await bucket();
    const shared = { action: "edit" as const, image: PNG };
    await client().flows.createMany([{ prompt: "1" }, { prompt: "2", image: new Blob([PNG]) }, { image: PNG }], {
      shared,
    });
    const { batch, ...fields } = bodyOf("/v1/flows");
    expect(fields.image).toMatch(/^upload_[12]$/);
    const other = fields.image === "upload_1" ? "upload_2" : "upload_1";
    expect(batch).toEqual([{ prompt: "1" }, { prompt: "2", image: other }, { image: fields.image }]);
    expect(server.count("/v1/uploads")).toBe(2);
  });

  test("of a rerun are uploaded, and null still removes a field", async () => {
    const { client } = await bucket();
    await client().flows.rerun("flow_1", { base64Array: [PNG, "https://x.test/a.png"], endImage: null, then: null });
    const body = { base64Array: ["upload_1", "https://x.test/a.png"], endImage: null, then: null };
    expect(bodyOf("/v1/flows/flow_1/rerun")).toEqual(body);
  });

  const twelve = () => Array.from({ length: 12 }, (_, n) => ({ base64Array: [new Blob([PNG, String(n)])] }));

  test("are uploaded four at a time", async () => {
    let [ended, most] = [0, 0];
    const held: (() => void)[] = [];
    const { client } = await bucket((response) => {
      most = Math.max(most, server.count("/v1/uploads") - ended);
      held.push(() => response.end());
      // Four wait for each other, so that every upload that may start has started.
      if (held.length < 4) return;
      ended += 4;
      for (const end of held.splice(0)) end();
    });
    await client().flows.createMany(twelve());
    expect([most, server.count("/v1/uploads"), server.count("/v1/flows")]).toEqual([4, 12, 1]);
  });

  test("are not uploaded any more after one was refused, and no flow is created", async () => {
    const { client } = await bucket((response) => response.writeHead(403).end());
    await expect(client().flows.createMany(twelve())).rejects.toMatchObject({ code: "upload_failed" });
    expect([server.count("/v1/uploads"), server.count("/v1/flows")]).toEqual([4, 0]);
  });

  test("a request without files is sent as it is", async () => {
    const { client } = await bucket();
    await client().flows.create({ prompt: "a boat", base64Array: ["data:image/png;base64,AAAA"] });
    expect(server.requests.map(({ path }) => path)).toEqual(["/v1/flows"]);
    expect(bodyOf("/v1/flows")).toEqual({ prompt: "a boat", base64Array: ["data:image/png;base64,AAAA"] });
  });
});
