/** Keep-alive connections to one server, each with one request at a time. */
import { connect, type Socket } from "node:net";
import { type Message, messageReader } from "./http-wire.ts";

/** Node closes an idle connection after five seconds. A connection that was idle for longer than this is not used again. */
const IDLE_MS = 2_000;
const BUFFER_BYTES = 64 * 1_024;

export interface Connection {
  /** Sends one request and reports its response. The buffer may be changed when the response has arrived. */
  send(request: Buffer, onResponse: (response: Message) => void): void;
  /** Gives the connection back after the last response. */
  release(): void;
}

export interface ConnectionPool {
  take(): Connection;
  /** Takes a connection when fewer than the limit are in use. Those who wait have their turns in order. */
  whenFree(use: (connection: Connection) => void): void;
  /** Ends all connections. A request whose response has not arrived is given up without an error. */
  close(): void;
}

interface Pooled extends Connection {
  isUsable(): boolean;
  close(): void;
}

export interface PoolOptions {
  /** Connections of `whenFree` that are in use at the same time. Default: no limit. */
  limit?: number;
  /**
   * True: a request on a connection that was idle is sent once more on a new one, if no byte of its response has come. The server may
   * have closed the connection at that moment. Only for requests that may arrive twice.
   */
  resends?: boolean;
}

/** @param onError called if a connection ends before the response of its request */
export function createConnectionPool(
  host: string,
  onError: (error: Error) => void,
  { limit = Number.POSITIVE_INFINITY, resends = false }: PoolOptions = {},
): ConnectionPool {
  const [hostname = "", port] = host.split(":");
  const idle: Pooled[] = [];
  const waiting: ((connection: Connection) => void)[] = [];
  const all = new Set<Socket>();
  let used = 0;
  let isClosed = false;

  function open(): Pooled {
    let request: Buffer | undefined;
    let onResponse: ((response: Message) => void) | undefined;
    let idleSince = 0;
    let [wasUsed, maySendAgain] = [false, false];
    let socket = dial();

    function dial(): Socket {
      const read = messageReader((response) => {
        const report = onResponse;
        onResponse = undefined;
        report?.(response);
      });
      wasUsed = false;
      // One buffer for all reads of a connection, so that the read of a repeated response allocates nothing.
      const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
      const dialed = connect({
        host: hostname,
        port: Number(port),
        noDelay: true,
        onread: {
          buffer,
          callback(bytes) {
            wasUsed = true;
            maySendAgain = false;
            read(buffer, bytes);
            return true;
          },
        },
      });
      all.add(dialed);
      let why = "";
      dialed.on("error", (error) => {
        why = `: ${error.message}`;
      });
      dialed.on("close", () => {
        all.delete(dialed);
        // Who closes the pool no longer waits for a response.
        if (onResponse === undefined || isClosed) return;
        if (!maySendAgain) return onError(new Error(`A connection to ${host} ended before the response${why}`));
        maySendAgain = false;
        socket = dial();
        socket.write(request!);
      });
      return dialed;
    }

    return {
      send(given, report) {
        [request, onResponse] = [given, report];
        maySendAgain = resends && wasUsed;
        if (socket.destroyed) return onError(new Error(`The connection to ${host} was closed`));
        socket.write(given);
      },
      release() {
        idleSince = performance.now();
        used--;
        const next = used < limit ? waiting.shift() : undefined;
        if (!next) idle.push(this);
        else {
          used++;
          next(this);
        }
      },
      isUsable: () => !socket.destroyed && performance.now() - idleSince < IDLE_MS,
      close: () => socket.destroy(),
    };
  }

  function take(): Connection {
    used++;
    for (let next = idle.pop(); next; next = idle.pop()) {
      if (next.isUsable()) return next;
      next.close();
    }
    return open();
  }

  return {
    take,
    whenFree(use) {
      if (used < limit) use(take());
      else waiting.push(use);
    },
    close() {
      isClosed = true;
      for (const socket of all) socket.destroy();
    },
  };
}
