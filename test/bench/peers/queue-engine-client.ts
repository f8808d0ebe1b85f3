/**
 * Shared by the systems on a queue, so that only queue and store differ: the HTTP server and client, tokens, and the
 * reading of callbacks. The code is as small as possible while it stays correct: no framework, no schema library, one
 * kind of plan.
 *
 * Missing, compared with mjflow's entry points:
 *
 * - plans other than "press these buttons on the first image", other vendors, other actions, input images
 * - idempotency keys, apps, limits and credit
 * - tokens that expire, and keys that rotate
 * - protection against URLs in the own network
 * - problem+json, webhooks, events, listing, cancel, retry
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Ready } from "../flows/system.ts";

/** One task of a plan: path "0" is the root, "0-1" its first press. */
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

/** The vendor's report of a finished task. */
export interface Report {
  vendorTaskId: string;
  isSuccess: boolean;
  buttons: Button[];
}

export interface Engine {
  /** When it resolves, the flow is durable and its root is queued. */
  create(flowId: string, plan: Plan): Promise<void>;
  /** When it resolves, the end is durable and the follow-ups are queued. A repeated report has no further effect. */
  ended(task: TaskRef, report: Report): Promise<"recorded" | "duplicate" | "unknown">;
  status(flowId: string): Promise<string | undefined>;
}

/** Outcome of a submission to the vendor. */
export type Outcome = { kind: "accepted"; vendorTaskId: string } | { kind: "refused" } | { kind: "unclear" };

const ROOT = "0";
const BODY_BYTES = 256 * 1024;
const RESPONSE_TIMEOUT_MS = 30_000;

export function childrenOf(presses: readonly string[]): { path: string; press: string }[] {
  return presses.map((press, i) => ({ path: `${ROOT}-${i + 1}`, press }));
}

/** Finds the button of a press by its label. */
export function buttonOf(press: string, buttons: readonly Button[]): string | undefined {
  return buttons.find(({ label }) => label === press)?.customId;
}

// ── server ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface QueueEngineClient extends Ready {
  /** Callback URL of a task; every request with this URL is accepted. */
  callbackUrl(task: TaskRef): string;
  stop(): Promise<void>;
}

/** @param engine called at the first request, because the engine itself needs the URL of this server */
export async function createQueueEngineClient(engine: () => Engine): Promise<QueueEngineClient> {
  const key = randomBytes(24).toString("base64url");
  const tokenKey = randomBytes(32);
  const sign = (text: string) => createHmac("sha256", tokenKey).update(text).digest("base64url");

  function taskOf(token: string): TaskRef | undefined {
    const [flowId = "", path = "", mac = ""] = token.split(".");
    const [given, expected] = [Buffer.from(mac), Buffer.from(sign(`${flowId}.${path}`))];
    return given.length === expected.length && timingSafeEqual(given, expected) ? { flowId, path } : undefined;
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
    // Progress is not stored, so nine of ten callbacks get a response without a request to the store, as in mjflow.
    if (!report) return send(response, 200, { code: 1 });
    const result = await engine().ended(task, report);
    send(response, result === "unknown" ? 404 : 200, { code: 1 });
  }

  const isOwner = (request: IncomingMessage) => {
    const [given, expected] = [Buffer.from(request.headers.authorization ?? ""), Buffer.from(`Bearer ${key}`)];
    return given.length === expected.length && timingSafeEqual(given, expected);
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, resource, ...rest] = (request.url ?? "").split("/");
    if (request.method === "POST" && resource === "callbacks") return callback(rest[0] ?? "", request, response);
    if (!isOwner(request)) return send(response, 401, {});
    if (request.method === "POST") return create(request, response);
    const status = await engine().status(rest[1] ?? "");
    send(response, status ? 200 : 404, { status });
  }

  const server = createServer((request, response) => {
    // The change is not durable, so the request is not acknowledged.
    serve(request, response).catch(() => send(response, 503, {}));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    key,
    callbackUrl: ({ flowId, path }) => `${url}/callbacks/${flowId}.${path}.${sign(`${flowId}.${path}`)}`,
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

// ── vendor client ──────────────────────────────────────────────────────────────────────────────────────────────────

export function imagine(vendorUrl: string, prompt: string, notifyHook: string): Promise<Outcome> {
  return submit(`${vendorUrl}/mj/submit/imagine`, { prompt, notifyHook });
}

export function press(vendorUrl: string, taskId: string, customId: string, notifyHook: string): Promise<Outcome> {
  return submit(`${vendorUrl}/mj/submit/action`, { taskId, customId, notifyHook });
}

/** Never throws. A request without a clear response may have been accepted and paid, so its outcome is `unclear`. */
async function submit(url: string, body: object): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer simulated" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
    });
    const { code, result } = (await response.json()) as { code?: number; result?: string };
    if (code === 1 || code === 22) return { kind: "accepted", vendorTaskId: String(result) };
    return code === undefined ? { kind: "unclear" } : { kind: "refused" };
  } catch {
    return { kind: "unclear" };
  }
}
