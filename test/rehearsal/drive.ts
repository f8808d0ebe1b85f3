/** Uses a stage as apps, vendors and the operator do, and returns what was wrong. */
import { createHash } from "node:crypto";
import http from "node:http";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Simulator } from "@mjflow/simulator/server";
import type { Stage } from "./stage.ts";

export interface Check {
  name: string;
  /** Empty if the check passes. */
  problem: string;
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of the API, of which a check reads single fields
type Json = any;

/** The schedule is a minute; here it is faster, so that a check of the sweeper takes seconds. */
const SWEEP_MS = 5_000;
const PATIENCE_MS = 60_000;
/** Two hours of a busy vendor, 120 times as fast. Waiting times are as much shorter; pauses between attempts are not. */
const FASTER = 120;
const BUSY_MS = (2 * 3_600_000) / FASTER;
const MINUTE_MS = 60_000 / FASTER;

/** Timings of the functions: those of the local server, and the waiting times of `TIMINGS`, 120 times as fast. */
export const REHEARSAL_TIMINGS = {
  base: "local",
  pendingMs: { turbo: 30 * MINUTE_MS, fast: 60 * MINUTE_MS, relax: 360 * MINUTE_MS, video: 60 * MINUTE_MS },
};
const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export async function drive(stage: Stage, simulator: Simulator, operatorKey: string): Promise<Check[]> {
  const checks: Check[] = [];
  const check = async (name: string, run: () => Promise<void>) => {
    const problem = await run().then(
      () => "",
      (error: unknown) => String((error as Error).message ?? error).slice(0, 500),
    );
    checks.push({ name, problem });
  };
  const receiver = await startReceiver();
  let sweeping: Promise<unknown> = Promise.resolve();
  const schedule = setInterval(() => {
    sweeping = stage.pools
      .get("Sweep")!
      .invoke({})
      .catch(() => undefined);
  }, SWEEP_MS);

  async function api(
    method: string,
    path: string,
    body?: unknown,
    key = operatorKey,
  ): Promise<{ status: number; body: Json; headers: Headers }> {
    const response = await fetch(new URL(path, stage.url("Api")), {
      method,
      redirect: "manual",
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }
  async function ok(method: string, path: string, body?: unknown): Promise<Json> {
    const response = await api(method, path, body);
    if (response.status >= 300)
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
    return response.body;
  }
  async function until<T>(
    what: string,
    read: () => Promise<T | undefined | false>,
    patienceMs = PATIENCE_MS,
  ): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const value = await read();
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`${what} did not happen within ${patienceMs / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  const ended = (id: string, patienceMs = PATIENCE_MS) =>
    until(
      `the end of ${id}`,
      async () => {
        const flow = await ok("GET", `/v1/flows/${id}`);
        return flow.status !== "running" && flow;
      },
      patienceMs,
    );
  function expect(condition: unknown, problem: string): asserts condition {
    if (!condition) throw new Error(problem);
  }

  let flow: Json;
  await check("the API is healthy, and refuses a request without a valid key", async () => {
    await ok("GET", "/healthz");
    const { status } = await api("GET", "/v1/flows", undefined, "mjk_wrong");
    expect(status === 401, `a wrong key got ${status}`);
  });
  await check("a webhook endpoint is created", async () => {
    await ok("POST", "/v1/endpoints", { url: receiver.url });
  });
  await check("a plan of five tasks runs on callbacks, each submitted once", async () => {
    const plan = { provider: "simulator", prompt: "a paper boat", then: [{ press: ["U1", "U2", "U3", "U4"] }] };
    const { id } = await ok("POST", "/v1/flows", plan);
    flow = await ended(id);
    expect(flow.status === "completed", `the flow is ${flow.status}: ${JSON.stringify(flow.tasks).slice(0, 300)}`);
    const { submissions } = simulator.ledger();
    expect(submissions.length === 5, `${submissions.length} submissions`);
  });
  await check("the event stream and the long poll of the Stream function answer", async () => {
    const { id } = await ok("POST", "/v1/flows", { provider: "simulator", prompt: "a stream" });
    const { eventsUrl } = await ok("GET", `/v1/flows/${id}`);
    expect(eventsUrl?.startsWith(stage.url("Stream")), `the stream is at ${eventsUrl}`);
    const response = await fetch(eventsUrl, { headers: { authorization: `Bearer ${operatorKey}` } });
    expect(response.status === 200, `the stream got ${response.status}`);
    const text = await response.text();
    expect(text.includes("event:"), "the stream had no event");
    await ended(id);
  });
  await check("the subscriber gets the end of the flow, signed", async () => {
    await until("the webhook", async () => receiver.types.includes("flow.completed"));
    expect(receiver.signed, "a webhook had no signature");
    await ok("GET", `/v1/deliveries?flow=${flow.id}`);
  });
  await check("images are archived, and a signed link leads to the same bytes", async () => {
    const archived = await until("the archive", async () => {
      const { tasks } = await ok("GET", `/v1/flows/${flow.id}`);
      return tasks.find((task: Json) => task.copies?.length > 0 || task.images?.some((image: Json) => image.copy));
    });
    const link = /https?:[^"]*\/media\/[^"]+/.exec(JSON.stringify(archived))?.[0];
    expect(link, `no link in ${JSON.stringify(archived).slice(0, 300)}`);
    const { pathname, search } = new URL(link);
    const { status, headers } = await api("GET", `${pathname}${search}`);
    expect(status === 302, `the link got ${status}`);
    const image = await fetch(headers.get("location")!);
    const bytes = Buffer.from(await image.arrayBuffer());
    expect(image.status === 200 && bytes.length > 0, `S3 answered ${image.status}`);
    const { sha256 } = archived.copies?.[0] ?? {};
    const found = createHash("sha256").update(bytes).digest("hex");
    expect(sha256 === undefined || sha256 === found, "the bytes differ from the archived ones");
  });
  await check("images of a request reach the vendor through S3", async () => {
    const { id } = await ok("POST", "/v1/flows", { provider: "simulator", action: "blend", base64Array: [PNG, PNG] });
    const blended = await ended(id);
    expect(blended.status === "completed", `the flow is ${blended.status}`);
  });
  await check("the compatible API submits and fetches", async () => {
    const { result } = await ok("POST", "/mj/submit/imagine", { prompt: "a compatible boat" });
    await until("the compatible task", async () => {
      const task = await ok("GET", `/mj/task/${result}/fetch`);
      return task.status === "SUCCESS";
    });
  });
  await check("a flow is canceled, and a deleted endpoint is gone", async () => {
    const { id } = await ok("POST", "/v1/flows", { provider: "simulator", prompt: "canceled" });
    await api("POST", `/v1/flows/${id}/cancel`);
    const { data } = await ok("GET", "/v1/endpoints");
    await ok("DELETE", `/v1/endpoints/${data[0].id}`);
    await ended(id);
  });
  await check("a message that cannot be parsed is stored, is not redriven, and is discarded", async () => {
    const { endpoint, queue } = stage.deadLetters;
    const credentials = { accessKeyId: "rehearsal", secretAccessKey: "rehearsal" };
    const sqs = new SQSClient({ endpoint, region: "eu-west-1", credentials });
    await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: '{"v":9}' }));
    const letter = await until("the dead letter", async () => (await ok("GET", "/v1/dead-letters")).data[0]);
    const { status } = await api("POST", `/v1/dead-letters/${letter.id}/redrive`);
    expect(status === 409, `the redrive got ${status}`);
    await ok("DELETE", `/v1/dead-letters/${letter.id}`);
  });
  await check("a task whose callbacks are lost ends by a look-up of the sweeper", async () => {
    simulator.arm({ kind: "lose-callback", times: 1_000 });
    const { id } = await ok("POST", "/v1/flows", { provider: "simulator", prompt: "no callback" });
    const lost = await ended(id, 120_000).finally(() => simulator.disarm());
    expect(lost.status === "completed", `the flow is ${lost.status}`);
  });
  await check(
    "a vendor that is busy for two hours: turbo and fast expire, relax is done after it, in short chains",
    async () => {
      simulator.arm({ kind: "queue-full", times: 1_000_000 });
      const started: Record<string, string> = {};
      for (const mode of ["turbo", "fast", "relax"])
        started[mode] = (await ok("POST", "/v1/flows", { provider: "simulator", prompt: `busy, ${mode}`, mode })).id;
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
      simulator.disarm();
      const ends: string[] = [];
      for (const id of Object.values(started)) {
        const { status, tasks } = await ended(id, 120_000);
        ends.push(`${status} ${tasks[0].failure?.code ?? ""}`.trim());
      }
      const wanted = ["failed vendor_busy", "failed vendor_busy", "completed"];
      expect(ends.join() === wanted.join(), `the flows ended as ${ends}`);
      const { maxHops } = stage.judge;
      expect(maxHops <= 8, `a chain had ${maxHops} hops`);
    },
  );
  await check("the operator's reads answer", async () => {
    for (const path of ["queues", "overdue", "unclear", "providers", "usage", "apps", "flows"])
      await ok("GET", `/v1/${path}`);
  });
  clearInterval(schedule);
  await sweeping;
  receiver.stop();
  return checks;
}

async function startReceiver() {
  const types: string[] = [];
  const state = { signed: true };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    types.push((JSON.parse(Buffer.concat(chunks).toString()) as { type: string }).type);
    state.signed &&= Boolean(request.headers["webhook-signature"]);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/hook`,
    types,
    get signed() {
      return state.signed;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
