/** `run`, `stream`, `webhooks.verify` and `take`, with a server that sends the given responses. */
import { createHmac } from "node:crypto";
import { FlowFailedError, isMjflowError, Mjflow, WaitTimeoutError, webhooks } from "@mjflow/client";
import type { Flow, Task } from "@mjflow/client/types";
import { afterEach, describe, expect, test } from "vitest";
import { AT, FLOW_ID, flow, json, type Server, serve, stream, task } from "./test-server.ts";

let server: Server;
afterEach(() => server?.close());

const FIELDS = { retryOf: null, videos: [], copies: [], text: null, failure: null, failReason: null };
/** A task with what the results are made of. */
function made(path: string, more: Partial<Task> = {}): Task {
  const base = { ...task(path, "SUCCESS", 100), ...FIELDS, images: [], imageUrl: `https://vendor.example/${path}.png` };
  const parentId = path === "0" ? null : base.id.slice(0, base.id.lastIndexOf("-"));
  return { ...base, parentId, ...more };
}

/** Serves one flow that has already ended. */
async function serveEnded(ended: Flow): Promise<Mjflow> {
  server = await serve((response, { path }) => {
    if (path.endsWith("/events")) return json(response, 404, {});
    json(response, path === "/v1/flows" ? 202 : 200, ended);
  });
  return server.client();
}

const caught = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("run", () => {
  test("the fields and the names of buttons become the request, with an idempotency key", async () => {
    const mjflow = await serveEnded(flow("completed", [made("0")]));
    await mjflow.run("a boat", {
      provider: "x",
      mode: "fast",
      then: ["U1", { press: "U2", then: [{ press: "zoom:2" }] }],
    });
    await mjflow.run("a boat", { then: "upscale:all" }, { idempotencyKey: "order-7" });
    await mjflow.run(undefined, { action: "video", image: "https://a.example/1.png" });
    const [first, second, third] = server.requests.filter(({ method }) => method === "POST");
    expect(JSON.parse(first!.body)).toEqual({
      provider: "x",
      mode: "fast",
      prompt: "a boat",
      then: [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }],
    });
    expect(first!.headers["idempotency-key"]).toMatch(/.{16}/);
    expect(JSON.parse(second!.body)).toEqual({ prompt: "a boat", then: [{ press: "upscale:all" }] });
    expect(second!.headers["idempotency-key"]).toBe("order-7");
    expect(JSON.parse(third!.body)).toEqual({ action: "video", image: "https://a.example/1.png" });
  });

  test("an image that is a file is uploaded first, and the flow gets its id", async () => {
    server = await serve((response, { path }) => {
      const upload = { id: "upload_1", url: `${server.url}/bucket`, headers: { "content-type": "image/png" } };
      if (path === "/v1/uploads") return json(response, 201, upload);
      if (path === "/bucket") return response.writeHead(200).end();
      json(response, path === "/v1/flows" ? 202 : 200, flow("completed", [made("0")]));
    });
    const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    await server.client().run("in snow", { action: "edit", image: new Blob([png]) });
    const create = server.requests.find(({ path, method }) => path === "/v1/flows" && method === "POST");
    expect(JSON.parse(create!.body)).toEqual({ action: "edit", prompt: "in snow", image: "upload_1" });
  });

  test("the pictures at the ends of the branches are returned, with our copies before the vendor's links", async () => {
    const copy = { url: "https://ours.example/1", bytes: 1, sha256: "", contentType: "image/png" };
    const tasks = [
      made("0"),
      made("0-0", { copies: [{ ...copy, source: "https://vendor.example/0-0.png" }] }),
      made("0-1"),
      made("0-1-0", {
        images: [{ url: "https://vendor.example/a" }, { url: "https://vendor.example/b" }],
        copies: [{ ...copy, url: "https://ours.example/b", source: "https://vendor.example/b" }],
      }),
      made("0-2", { videos: [{ url: "https://vendor.example/v.mp4" }] }),
    ];
    const outputs = await (await serveEnded(flow("completed", tasks))).run("a boat");
    expect(outputs.map(({ kind, url, task: { id } }) => [id.split("_")[2], kind, url])).toEqual([
      ["0-0", "image", "https://ours.example/1"],
      ["0-1-0", "image", "https://vendor.example/a"],
      ["0-1-0", "image", "https://ours.example/b"],
      ["0-2", "video", "https://vendor.example/v.mp4"],
    ]);
  });

  test("describe returns the text", async () => {
    const mjflow = await serveEnded(flow("completed", [made("0", { text: "1. a boat" })]));
    const [result] = await mjflow.run(undefined, { action: "describe", base64Array: ["https://a.example/1.png"] });
    expect(result).toMatchObject({ text: "1. a boat", task: { text: "1. a boat" } });
  });

  const refused = { status: "FAILURE" as const, failure: { code: "vendor_refused", message: "No." } };

  test("a failed flow rejects with its failure", async () => {
    const mjflow = await serveEnded(flow("failed", [made("0", { ...refused, imageUrl: null })]));
    const error = (await caught(mjflow.run("a boat", {}, { partial: true }))) as FlowFailedError;
    expect(error).toBeInstanceOf(FlowFailedError);
    expect(isMjflowError(error, "flow_failed")).toBe(true);
    expect(error.detail).toBe(`The flow ${FLOW_ID} is failed (imagine: vendor_refused, No.).`);
    expect([error.failed.length, error.outputs, error.flow.id, error.retry]).toEqual([1, [], FLOW_ID, "never"]);
  });

  test("a failed branch rejects with what was finished, and `partial` returns that", async () => {
    const tasks = [made("0"), made("0-0"), made("0-1", { ...refused, press: "U2" })];
    const mjflow = await serveEnded(flow("completed", tasks));
    const error = (await caught(mjflow.run("a boat"))) as FlowFailedError;
    expect(error.outputs.map(({ url }) => url)).toEqual(["https://vendor.example/0-0.png"]);
    expect(error.failed.map(({ press }) => press)).toEqual(["U2"]);
    expect((await mjflow.run("a boat", {}, { partial: true })).map(({ url }) => url)).toEqual([
      "https://vendor.example/0-0.png",
    ]);
  });

  test("a failed task that was retried with success is no failure", async () => {
    const tasks = [made("0"), made("0-0", refused), made("0-1", { retryOf: made("0-0").id })];
    const outputs = await (await serveEnded(flow("completed", tasks))).run("a boat");
    expect(outputs.map(({ url }) => url)).toEqual(["https://vendor.example/0-1.png"]);
  });

  test("the time limit rejects, and the error has the flow that still runs", async () => {
    server = await serve((response, { path }) => {
      if (path.endsWith("/events")) return json(response, 404, {});
      json(response, path === "/v1/flows" ? 202 : 200, flow("running", [made("0", { status: "SUBMITTED" })]));
    });
    const error = await caught(server.client().run("a boat", {}, { timeoutMs: 5_000 }));
    expect(error).toBeInstanceOf(WaitTimeoutError);
    expect((error as WaitTimeoutError).flow?.id).toBe(FLOW_ID);
  });
});

describe("stream", () => {
  test("the events of the new flow are yielded with progress, and the flow is created when the iteration begins", async () => {
    server = await serve((response, { path }) => {
      if (path === "/v1/flows") return json(response, 202, flow("running", [made("0", { status: "SUBMITTED" })]));
      if (!path.endsWith("/events")) return json(response, 200, flow("completed", [made("0")]));
      const events = stream(response);
      events.write({ type: "task.progress", data: made("0", { status: "IN_PROGRESS", progress: 40 }) }, "1");
      events.write({ type: "task.completed", data: made("0") }, "2");
      events.write({ type: "flow.completed", data: { id: FLOW_ID, status: "completed" } }, "3");
      events.end();
    });
    const events = server.client().stream("a boat", { then: "U1" });
    expect(server.requests).toEqual([]);
    const types: string[] = [];
    for await (const { type } of events) types.push(type);
    expect(types).toEqual(["task.progress", "task.completed", "flow.completed"]);
    expect(JSON.parse(server.requests[0]!.body)).toEqual({ progress: true, prompt: "a boat", then: [{ press: "U1" }] });
  });
});

describe("webhooks.verify", () => {
  const key = Buffer.alloc(32, 7).toString("base64");
  const body = JSON.stringify({ type: "flow.completed", timestamp: AT, data: { id: FLOW_ID } });
  const at = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac("sha256", Buffer.from(key, "base64")).update(`evt_1.${at}.${body}`).digest("base64");
  const headers = { "webhook-id": "evt_1", "webhook-timestamp": at, "webhook-signature": `v1,${signature}` };
  const request = (text: string) => new Request("https://app.example/hook", { method: "POST", headers, body: text });

  test("it accepts a request, or a body with headers, and a client has it too", async () => {
    const event = { id: "evt_1", type: "flow.completed", timestamp: AT, data: { id: FLOW_ID } };
    expect(await webhooks.verify(request(body), `whsec_${key}`)).toEqual(event);
    expect(await webhooks.verify(body, headers, [`whsec_${key}`])).toEqual(event);
    expect(await new Mjflow({ apiKey: "mjk_1" }).webhooks.verify(Buffer.from(body), headers, `whsec_${key}`)).toEqual(
      event,
    );
  });

  test("it rejects a changed body, an old one, and a request whose body was read", async () => {
    expect(await caught(webhooks.verify(request(`${body} `), `whsec_${key}`))).toMatchObject({
      fault: "signature_wrong",
    });
    const late = { now: Date.now() + 600_000 };
    expect(await caught(webhooks.verify(request(body), `whsec_${key}`, late))).toMatchObject({
      fault: "timestamp_off",
    });
    const read = request(body);
    await read.text();
    expect(await caught(webhooks.verify(read, `whsec_${key}`))).toMatchObject({ code: "invalid_argument" });
  });
});

describe("take", () => {
  test("it reads only the pages that it needs", async () => {
    server = await serve((response, { path }) => {
      const page = Number(new URL(path, "http://x").searchParams.get("cursor") ?? 0);
      const data = [0, 1].map((n) => ({ id: `flow_${page * 2 + n}` }));
      json(response, 200, { data, nextCursor: page < 2 ? String(page + 1) : null });
    });
    const mjflow = server.client();
    const ids = async (count: number) => (await mjflow.flows.list().take(count)).map(({ id }) => id.slice(5)).join();
    expect([await ids(3), server.requests.length]).toEqual(["0,1,2", 2]);
    expect(await ids(2)).toBe("0,1");
    expect(server.requests).toHaveLength(3);
    expect(await ids(0)).toBe("");
    expect(await ids(Number.POSITIVE_INFINITY)).toBe("0,1,2,3,4,5");
  });
});
