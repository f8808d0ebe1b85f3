/** A server for tests of the client. It sends the given responses and records the requests. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Mjflow, type MjflowOptions } from "@mjflow/client";
import type { Flow, FlowStatus, Task, TaskStatus } from "@mjflow/client/types";

export const KEY = "mjk_a_key_that_nobody_may_see";

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type CannedResponse = (response: ServerResponse, request: ReceivedRequest, n: number) => void;

export interface Server {
  url: string;
  requests: ReceivedRequest[];
  /** Pauses of the clients of this server, ms. */
  sleeps: number[];
  /** Number of requests whose path ends with `pathEnd`. */
  count(pathEnd: string): number;
  /** Creates a client of this server. Its pauses take no time but advance its clock. */
  client(options?: MjflowOptions): Mjflow;
  close(): Promise<void>;
}

/** @param respond called for each request; `n` is the number of earlier requests with the same method and path */
export async function serve(respond: CannedResponse): Promise<Server> {
  const requests: ReceivedRequest[] = [];
  const sleeps: number[] = [];
  let now = Date.parse("2026-11-21T08:00:00Z");
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const before = requests.filter((each) => each.path === path && each.method === method).length;
      const received = { method, path, headers, body: Buffer.concat(chunks).toString() };
      requests.push(received);
      respond(response, received, before);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    sleeps,
    count: (pathEnd) => requests.filter(({ path }) => path.endsWith(pathEnd)).length,
    client: (options) =>
      new Mjflow({
        baseUrl: url,
        apiKey: KEY,
        now: () => now,
        random: () => 0.5,
        sleep: async (ms) => {
          sleeps.push(ms);
          now += ms;
        },
        ...options,
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export function problem(response: ServerResponse, status: number, code: string, more: Record<string, unknown> = {}) {
  const { headers, ...members } = more as { headers?: Record<string, string> };
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ title: code, status, code, advice: "", retry: "never", requestId: "r-1", ...members }));
}

/** Starts an event stream. `write` sends an event; `cut` breaks the connection, like a power cut. */
export function stream(response: ServerResponse) {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
  return {
    write: (event: { type: string; data: unknown }, id?: string) =>
      response.write(
        `${id === undefined ? "" : `id: ${id}\n`}event: ${event.type}\ndata: ${JSON.stringify({ timestamp: AT, ...event })}\n\n`,
      ),
    end: () => response.end(),
    /** Breaks the connection after everything written was sent. */
    cut: () => response.write(":\n", () => response.destroy()),
  };
}

export const AT = "2026-11-21T08:00:00.000Z";
export const FLOW_ID = "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD";

export function task(path: string, status: TaskStatus, progress = 0): Task {
  const ended = /SUCCESS|FAILURE|CANCEL|EXPIRED/.test(status);
  return {
    id: `task_${FLOW_ID.slice(5)}_${path}`,
    flowId: FLOW_ID,
    parentId: path === "0" ? null : `task_${FLOW_ID.slice(5)}_0`,
    rootId: `task_${FLOW_ID.slice(5)}_0`,
    depth: path.split("-").length - 1,
    press: null,
    action: "IMAGINE",
    status,
    progress,
    provider: "simulator",
    attempts: 1,
    modals: 0,
    callbacks: 1,
    duplicates: 0,
    lookups: 0,
    createdAt: AT,
    submittedAt: AT,
    endedAt: ended ? AT : null,
  } as unknown as Task;
}

export function flow(status: FlowStatus, tasks: Task[]): Flow {
  return {
    id: FLOW_ID,
    status,
    state: "mine",
    action: "imagine",
    provider: "simulator",
    prompt: "a boat",
    mode: null,
    notifyHook: null,
    events: null,
    canceledAt: null,
    restartOf: null,
    restartedAs: null,
    createdAt: AT,
    endedAt: status === "running" ? null : AT,
    tasks,
    counts: { submissions: tasks.length, modals: 0, callbacks: tasks.length, duplicates: 0, lookups: 0, writes: 5 },
  };
}

export function taskEvent(type: string, of: Task) {
  return { type, data: { ...of, state: "mine" } };
}

export function flowEvent(of: Flow) {
  const { id, status, state, action, provider, prompt, createdAt, endedAt, counts } = of;
  const data = { id, status, state, action, provider, prompt, createdAt, endedAt, counts };
  return { type: `flow.${of.status}`, data };
}
