/**
 * The vendor of the flow benchmark: the smallest program with the vendor's side of midjourney-proxy. It accepts
 * submissions and sends ten callbacks per task, one after the other: SUBMITTED, eight steps of progress, and SUCCESS
 * with buttons. Each twentieth SUCCESS is sent twice. It has no waiting times, so a flow takes as long as the system
 * under test needs.
 *
 * It measures "callback to follow-up": from sending the SUCCESS callback of the root until the submission of a
 * follow-up arrives. It also measures the acknowledgement: from sending a SUCCESS callback until its response.
 */
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Connection, type ConnectionPool, createConnectionPool } from "./connection.ts";
import { jsonRequest, type Message, messageReader, statusOf } from "./http-wire.ts";

/** Number of images of a flow: the imagine and its four upscales. */
export const TASKS = 5;
export const DOUBLED_EVERY = 20;

/**
 * Tasks whose callbacks are sent at the same time. The others wait for a connection, as at a real vendor. One connection for each of
 * thousands of tasks would overflow the queue of connections that a system has not accepted yet.
 */
const CALLBACK_CONNECTIONS = 256;

/** Steps of progress of each task, if nothing else is asked for. */
export const PROGRESS_STEPS = 8;

/** What the vendor saw since the last report. */
export interface VendorReport {
  followUpMs: number[];
  ackMs: number[];
  /** Number of accepted submissions of each flow; correct is five. */
  paid: number[];
  callbacks: number;
  doubled: number;
  duplicatePresses: number;
  /** Requests that are no submission, for example look-ups. */
  otherRequests: number;
  /** CPU time of the vendor, ms. */
  cpuMs: number;
}

export interface Vendor {
  url: string;
  /** Returns what happened since the last report, and forgets its flows. */
  report(): VendorReport;
  /** Sets how many steps of progress each later task has. */
  setSteps(steps: number): void;
  stop(): Promise<void>;
}

interface Flow {
  number: number;
  paid: number;
  ended: number;
  successSentAt: number;
}

interface Task {
  id: string;
  flow: Flow;
  isRoot: boolean;
  host: string;
  path: string;
  notifyHook: string;
}

/**
 * @param onDone called with the number of a flow when all callbacks of its five tasks got a response
 * @param onError called if a callback got no 2xx response
 */
export async function startVendor(
  onDone: (flow: number) => void,
  onError: (error: Error) => void = (error) => {
    throw error;
  },
): Promise<Vendor> {
  const tasks = new Map<string, Task>();
  const presses = new Set<string>();
  const pools = new Map<string, ConnectionPool>();
  let flows: Flow[] = [];
  let [ids, successes] = [0, 0];
  let seen = emptyReport();
  let cpu = process.cpuUsage();
  let steps = PROGRESS_STEPS;

  function submitted(path: string, body: string): string {
    const { prompt, taskId, customId, notifyHook } = JSON.parse(body) as Record<string, string>;
    const parent = tasks.get(taskId ?? "");
    const id = String(1_765_432_100_000_000 + ids++);
    const flow = parent?.flow ?? { number: numberOf(prompt ?? ""), paid: 0, ended: 0, successSentAt: 0 };
    if (path.endsWith("/action")) {
      if (!parent) return '{"code":4,"description":"task not found"}';
      seen.followUpMs.push(performance.now() - flow.successSentAt);
      const press = `${taskId} ${customId}`;
      if (presses.has(press)) seen.duplicatePresses++;
      presses.add(press);
    } else flows.push(flow);
    flow.paid++;
    const { host, pathname, search } = new URL(notifyHook!);
    const task = { id, flow, isRoot: !parent, host, path: pathname + search, notifyHook: notifyHook! };
    tasks.set(id, task);
    setImmediate(callBack, task);
    return `{"code":1,"description":"Submit success","result":"${id}","properties":{}}`;
  }

  function callBack(task: Task): void {
    let pool = pools.get(task.host);
    if (!pool) {
      pool = createConnectionPool(task.host, onError, { limit: CALLBACK_CONNECTIONS, resends: true });
      pools.set(task.host, pool);
    }
    pool.whenFree((connection) => sendCallbacks(task, connection));
  }

  function sendCallbacks(task: Task, connection: Connection): void {
    const { host, path, isRoot } = task;
    const request = (template: Template) => jsonRequest({ method: "POST", host, path }, template(task));
    const progress = request(PROGRESS);
    const percentAt = progress.indexOf(`:"${PERCENT}"`) + 2;
    const success = request(isRoot ? ROOT_SUCCESS : UPSCALE_SUCCESS);
    let sent = 0;

    const sendNext = () => {
      const step = sent++;
      if (step === 0) send(request(SUBMITTED));
      else if (step <= steps) {
        // The steps differ only in two digits. The one before has left: its response has arrived.
        progress.write(percentOf(step, steps), percentAt, "latin1");
        send(progress);
      } else if (step === steps + 1) sendSuccess();
      else if (step === steps + 2 && ++successes % DOUBLED_EVERY === 0) {
        seen.doubled++;
        send(success);
      } else {
        connection.release();
        if (++task.flow.ended === TASKS) onDone(task.flow.number);
      }
    };
    const onResponse = ({ head }: Message) => {
      const status = statusOf(head);
      if (status < 200 || status > 299) onError(new Error(`A callback got the status ${status}`));
      sendNext();
    };
    const send = (bytes: Buffer) => {
      seen.callbacks++;
      connection.send(bytes, onResponse);
    };
    const sendSuccess = () => {
      const sentAt = performance.now();
      if (isRoot) task.flow.successSentAt = sentAt;
      seen.callbacks++;
      connection.send(success, (response) => {
        seen.ackMs.push(performance.now() - sentAt);
        onResponse(response);
      });
    };
    sendNext();
  }

  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const read = messageReader(({ head, body }) => {
      const [method = "", path = ""] = head.slice(0, head.indexOf("\r\n")).split(" ");
      const isSubmission = method === "POST" && path.includes("/mj/submit/");
      if (!isSubmission) seen.otherRequests++;
      const [status, answer] = isSubmission ? ["200 OK", submitted(path, body)] : ["404 Not Found", "{}"];
      socket.write(
        `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`,
        "latin1",
      );
    });
    socket.on("data", (chunk) => read(chunk, chunk.length));
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    report() {
      const { user, system } = process.cpuUsage(cpu);
      const report = { ...seen, paid: flows.map(({ paid }) => paid), cpuMs: (user + system) / 1_000 };
      seen = emptyReport();
      flows = [];
      tasks.clear();
      presses.clear();
      cpu = process.cpuUsage();
      return report;
    },
    setSteps(given) {
      steps = given;
    },
    stop() {
      for (const pool of pools.values()) pool.close();
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Two digits, because all steps share one text. */
function percentOf(step: number, steps: number): string {
  return String(Math.floor((step * 99) / (steps + 1))).padStart(2, "0");
}

function emptyReport() {
  return {
    followUpMs: [] as number[],
    ackMs: [] as number[],
    callbacks: 0,
    doubled: 0,
    duplicatePresses: 0,
    otherRequests: 0,
  };
}

// ── prompts ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Prompt of a flow. The vendor reads the number of the flow from it. */
export function promptOf(flow: number): string {
  return `a paper boat on calm water, number ${flow}`;
}

function numberOf(prompt: string): number {
  return Number(/number (\d+)/.exec(prompt)?.[1]);
}

// ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type Template = (values: { id: string; notifyHook: string }) => string;

/** Returns a function that puts the values into a fixture's text. The text is divided only once. */
function template(fixture: string, changes: object = {}): Template {
  const file = new URL(`../../../packages/providers/fixtures/${fixture}.json`, import.meta.url);
  const body = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown> & { properties: object };
  const changed = { ...body, ...changes, id: "<id>", properties: { ...body.properties, notifyHook: "<hook>" } };
  const ascii = JSON.stringify(changed).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const [start = "", middle = "", end = ""] = ascii.split(/<id>|<hook>/);
  return ({ id, notifyHook }) => start + id + middle + notifyHook + end;
}

const HASH = "7c1f0b52-3d84-4e19-9a6d-51b0e2f7c8a3";
const UPSCALED_BUTTONS = [
  ["Vary (Subtle)", `MJ::JOB::low_variation::1::${HASH}::SOLO`],
  ["Vary (Strong)", `MJ::JOB::high_variation::1::${HASH}::SOLO`],
  ["Zoom Out 2x", `MJ::Outpaint::50::1::${HASH}::SOLO`],
].map(([label, customId]) => ({ customId, emoji: "", label, type: 2, style: 2 }));

const SUBMITTED = template("callback-submitted.novicezk");
/** Percentage in the template; each step replaces the digits. */
const PERCENT = "00%";
const PROGRESS = template("callback-in-progress-31.novicezk", { progress: PERCENT });
const ROOT_SUCCESS = template("callback-success.plus");
const UPSCALE_SUCCESS = template("callback-success.plus", { action: "UPSCALE", buttons: UPSCALED_BUTTONS });
