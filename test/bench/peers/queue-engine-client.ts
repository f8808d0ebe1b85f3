/**
 * What the peers have in common, so that only queue and store differ: HTTP in and out, tokens, and what a callback says.
 * As lean as it can be while it stays correct: no framework, no schema library, one kind of plan.
 *
 * Lacking, of what mjflow's doors do: any plan but "press these on the first picture"; other vendors, other actions, images;
 * idempotency keys, apps, limits and credit; tokens that end, and keys that rotate; guards against addresses of one's own
 * network; problem+json; webhooks, events, listing, cancel, retry.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Ready } from "../flows/system.ts";

/** One picture of a plan: "0" is the first, "0-1" what is pressed on it. */
export interface TaskRef {
  flowId: string;
  path: string;
}

export interface Plan {
  prompt: string;
  presses: string[];
}

export interface Button {
  label: string;
  customId: string;
}

/** What the vendor says of a finished task. */
export interface Report {
  vendorTaskId: string;
  isSuccess: boolean;
  buttons: Button[];
}

export interface Engine {
  /** Durable when it resolves, and its first task on the way. */
  create(flowId: string, plan: Plan): Promise<void>;
  /** Durable when it resolves, and the follow-ups on their way. Whatever is told twice has its effect once. */
  ended(task: TaskRef, report: Report): Promise<"recorded" | "duplicate" | "unknown">;
  status(flowId: string): Promise<string | undefined>;
}

/** To the vendor: what is sent, and whether it was taken. */
export type Answer = { kind: "accepted"; vendorTaskId: string } | { kind: "refused" } | { kind: "unclear" };

const ROOT = "0";
const BODY_BYTES = 256 * 1024;
const ANSWER_MS = 30_000;

export function childrenOf(presses: readonly string[]): { path: string; press: string }[] {
  return presses.map((press, i) => ({ path: `${ROOT}-${i + 1}`, press }));
}

/** The labels that vendors give the four tiles' buttons are our names for them. */
export function buttonOf(press: string, buttons: readonly Button[]): string | undefined {
  return buttons.find(({ label }) => label === press)?.customId;
}

// ── in ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface QueueEngineClient extends Ready {
  /** The address of one task's callbacks: whoever has it is believed. */
  hookUrl(task: TaskRef): string;
  stop(): Promise<void>;
}

/** @param engine asked for with the first request: it needs the door's address itself */
export async function createQueueEngineClient(engine: () => Engine): Promise<QueueEngineClient> {
  const key = randomBytes(24).toString("base64url");
  const hookKey = randomBytes(32);
  const sign = (text: string) => createHmac("sha256", hookKey).update(text).digest("base64url");

  function taskOf(token: string): TaskRef | undefined {
    const [flowId = "", path = "", mac = ""] = token.split(".");
    const [given, right] = [Buffer.from(mac), Buffer.from(sign(`${flowId}.${path}`))];
    return given.length === right.length && timingSafeEqual(given, right) ? { flowId, path } : undefined;
  }

  async function create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, then } = JSON.parse(await bodyOf(request)) as { prompt: string; then: { press: string[] }[] };
    const id = `flow_${randomBytes(12).toString("hex")}`;
    await engine().create(id, { prompt, presses: then.flatMap(({ press }) => press) });
    send(response, 202, { id, status: "running" });
  }

  async function callback(token: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const task = taskOf(token);
    if (!task) return send(response, 401, { code: 4 });
    const report = reportOf(await bodyOf(request));
    // Nobody asked for progress: nine of ten are answered without a look at the store, as mjflow does.
    if (!report) return send(response, 200, { code: 1 });
    const what = await engine().ended(task, report);
    send(response, what === "unknown" ? 404 : 200, { code: 1 });
  }

  const isOwner = (request: IncomingMessage) => {
    const [given, right] = [Buffer.from(request.headers.authorization ?? ""), Buffer.from(`Bearer ${key}`)];
    return given.length === right.length && timingSafeEqual(given, right);
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, room, ...rest] = (request.url ?? "").split("/");
    if (request.method === "POST" && room === "callbacks") return callback(rest[0] ?? "", request, response);
    if (!isOwner(request)) return send(response, 401, {});
    if (request.method === "POST") return create(request, response);
    const status = await engine().status(rest[1] ?? "");
    send(response, status ? 200 : 404, { status });
  }

  const server = createServer((request, response) => {
    // Not durable, so not acknowledged.
    serve(request, response).catch(() => send(response, 503, {}));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    key,
    hookUrl: ({ flowId, path }) => `${url}/callbacks/${flowId}.${path}.${sign(`${flowId}.${path}`)}`,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function reportOf(body: string): Report | undefined {
  const task = JSON.parse(body) as { id: string; status: string; buttons?: Button[] };
  if (task.status !== "SUCCESS" && task.status !== "FAILURE") return undefined;
  const buttons = (task.buttons ?? []).map(({ label, customId }) => ({ label, customId }));
  return { vendorTaskId: String(task.id), isSuccess: task.status === "SUCCESS", buttons };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

// ── out ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export function imagine(vendorUrl: string, prompt: string, notifyHook: string): Promise<Answer> {
  return submit(`${vendorUrl}/mj/submit/imagine`, { prompt, notifyHook });
}

export function press(vendorUrl: string, taskId: string, customId: string, notifyHook: string): Promise<Answer> {
  return submit(`${vendorUrl}/mj/submit/action`, { taskId, customId, notifyHook });
}

/** Never throws: what was sent and not clearly answered may have been taken, and paid. */
async function submit(url: string, body: object): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer simulated" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const { code, result } = (await response.json()) as { code?: number; result?: string };
    if (code === 1 || code === 22) return { kind: "accepted", vendorTaskId: String(result) };
    return code === undefined ? { kind: "unclear" } : { kind: "refused" };
  } catch {
    return { kind: "unclear" };
  }
}
