/**
 * The load driver of the flow benchmark: the app. It sends plans over raw connections and keeps a number of flows
 * running. The vendor reports each finished flow on a connection of its own, so no system is polled during the
 * measurement.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Connection, createConnectionPool } from "./connection.ts";
import { jsonRequest, type Message, statusOf } from "./http-wire.ts";
import type { Ready } from "./system.ts";
import { promptOf } from "./vendor.ts";

export interface Run extends Ready {
  flows: number;
  /** Number of concurrent flows. */
  concurrency: number;
}

export interface Ran {
  flows: number;
  seconds: number;
  /** CPU time of the driver, ms. */
  cpuMs: number;
}

/** Flows that are sent as fast as the system accepts them, whatever has become of the flows before. */
export interface Enqueue extends Ready {
  flows: number;
  connections: number;
}

export interface Enqueued {
  accepted: number;
  ended: number;
}

export interface Driver {
  /** Port on which the vendor reports the number of each finished flow, one per line. */
  donePort: number;
  /** Resolves when each flow was accepted and all its callbacks got a response. */
  drive(run: Run): Promise<Ran>;
  /**
   * Waits until the system says that each flow since the last call is complete.
   *
   * @throws Error if one is not
   */
  complete(system: Ready): Promise<void>;
  /** Begins to send flows. Each connection sends its next flow when it has the response to the one before. */
  enqueue(queued: Enqueue): void;
  /**
   * How many flows of the last `enqueue` were accepted so far, and how many have ended.
   *
   * @throws Error if one was not accepted
   */
  enqueued(): Enqueued;
  stop(): Promise<void>;
}

const PLAN = [{ press: ["U1", "U2", "U3", "U4"] }];
/** Time after which an unfinished flow is treated as lost, ms. */
const FLOW_TIMEOUT_MS = 60_000;
const PAUSE_MS = 20;

export async function startDriver(): Promise<Driver> {
  const waiting = new Map<number, () => void>();
  const ids: string[] = [];
  let number = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = "";
    socket.on("data", (chunk) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop()!;
      for (const line of lines) waiting.get(Number(line))?.();
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));

  const bodyOf = (flow: number) => JSON.stringify({ provider: "simulator", prompt: promptOf(flow), then: PLAN });
  const accepted =
    (failed: (error: Error) => void, onAccepted: () => void) =>
    ({ head, body }: Message) => {
      if (statusOf(head) !== 202) return failed(new Error(`A flow got ${head}\n${body}`));
      ids.push((JSON.parse(body) as { id: string }).id);
      onAccepted();
    };

  let queue: (Enqueued & { error?: Error }) | undefined;
  function enqueue({ url, key, flows, connections }: Enqueue): void {
    const { host } = new URL(url);
    const counted: Enqueued & { error?: Error } = { accepted: 0, ended: 0 };
    queue = counted;
    const failed = (error: Error) => {
      counted.error ??= error;
    };
    const pool = createConnectionPool(host, failed);
    let started = 0;
    const sendNext = (connection: Connection) => {
      if (started === flows) return;
      started++;
      const flow = ++number;
      waiting.set(flow, () => {
        waiting.delete(flow);
        counted.ended++;
      });
      connection.send(
        jsonRequest({ method: "POST", host, path: "/v1/flows", key }, bodyOf(flow)),
        accepted(failed, () => {
          if (++counted.accepted === flows) pool.close();
          else sendNext(connection);
        }),
      );
    };
    for (let i = 0; i < Math.min(connections, flows); i++) sendNext(pool.take());
  }

  async function drive({ url, key, flows, concurrency }: Run): Promise<Ran> {
    const failed = Promise.withResolvers<never>();
    const { host } = new URL(url);
    const pool = createConnectionPool(host, failed.reject);
    let [started, ended] = [0, 0];
    const progress = watchProgress(() => ended, failed.reject);
    const sendNext = async () => {
      while (started < flows) {
        started++;
        const connection = pool.take();
        const flow = ++number;
        const done = new Promise<void>((resolve) => waiting.set(flow, resolve));
        await new Promise<void>((resolve) => {
          const request = jsonRequest({ method: "POST", host, path: "/v1/flows", key }, bodyOf(flow));
          connection.send(
            request,
            accepted(failed.reject, () => {
              connection.release();
              resolve();
            }),
          );
        });
        await done;
        waiting.delete(flow);
        ended++;
      }
    };
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    try {
      await Promise.race([failed.promise, Promise.all(Array.from({ length: concurrency }, sendNext))]);
      const seconds = (performance.now() - startedAt) / 1_000;
      const { user, system } = process.cpuUsage(cpu);
      return { flows, seconds, cpuMs: (user + system) / 1_000 };
    } finally {
      progress.stop();
      pool.close();
    }
  }

  return {
    donePort: (server.address() as AddressInfo).port,
    drive,
    enqueue,
    enqueued() {
      const { accepted = 0, ended = 0, error } = queue ?? {};
      if (error) throw error;
      return { accepted, ended };
    },
    async complete({ url, key }) {
      const failed = Promise.withResolvers<never>();
      const { host } = new URL(url);
      const pool = createConnectionPool(host, failed.reject);
      const connection = pool.take();
      const statusNow = (id: string) =>
        new Promise<string>((resolve) => {
          connection.send(jsonRequest({ method: "GET", host, path: `/v1/flows/${id}`, key }), ({ body }) =>
            resolve((JSON.parse(body) as { status: string }).status),
          );
        });
      const startedAt = performance.now();
      for (const id of ids.splice(0)) {
        while ((await Promise.race([failed.promise, statusNow(id)])) !== "completed") {
          if (performance.now() - startedAt > FLOW_TIMEOUT_MS) throw new Error(`The flow ${id} did not complete`);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      }
      pool.close();
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Rejects if no flow ends for a minute. One timer for the whole run, so that a flow costs no timer. */
function watchProgress(ended: () => number, reject: (error: Error) => void): { stop(): void } {
  let before = -1;
  const timer = setInterval(() => {
    if (ended() === before) reject(new Error(`No flow ended for ${FLOW_TIMEOUT_MS} ms`));
    before = ended();
  }, FLOW_TIMEOUT_MS);
  return { stop: () => clearInterval(timer) };
}
