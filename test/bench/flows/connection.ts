/** Keep-alive connections to one server, each with one request at a time. */
import { connect, type Socket } from "node:net";
import { messageReader } from "./http-wire.ts";

/** Node closes an idle connection after five seconds. A connection that was idle for longer than this is not used again. */
const IDLE_MS = 2_000;
const BUFFER_BYTES = 64 * 1_024;

export interface Connection {
  /** Sends one request and reports its response. The buffer may be changed when the response has arrived. */
  send(request: string | Buffer, onResponse: (head: string, body: string) => void): void;
  /** Gives the connection back after the last response. */
  release(): void;
}

export interface ConnectionPool {
  take(): Connection;
  close(): void;
}

interface Pooled extends Connection {
  socket: Socket;
  idleSince: number;
}

/** @param onError called if a connection ends before the response of its request */
export function createConnectionPool(host: string, onError: (error: Error) => void): ConnectionPool {
  const [hostname = "", port] = host.split(":");
  const idle: Pooled[] = [];
  const all = new Set<Socket>();

  function open(): Pooled {
    let waiting: ((head: string, body: string) => void) | undefined;
    const read = messageReader((head, body) => {
      const report = waiting;
      waiting = undefined;
      report?.(head, body);
    });
    // One buffer for all reads of a connection, so that a read allocates only its text.
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer,
        callback(bytes) {
          read(buffer.toString("latin1", 0, bytes));
          return true;
        },
      },
    });
    all.add(socket);
    let why = "";
    socket.on("error", (error) => {
      why = `: ${error.message}`;
    });
    socket.on("close", () => {
      all.delete(socket);
      if (waiting) onError(new Error(`A connection to ${host} ended before the response${why}`));
    });
    const pooled: Pooled = {
      socket,
      idleSince: 0,
      send(request, onResponse) {
        if (socket.destroyed) return onError(new Error(`The connection to ${host} was closed`));
        waiting = onResponse;
        socket.write(request, "latin1");
      },
      release() {
        pooled.idleSince = performance.now();
        idle.push(pooled);
      },
    };
    return pooled;
  }

  return {
    take() {
      for (let next = idle.pop(); next; next = idle.pop()) {
        if (!next.socket.destroyed && performance.now() - next.idleSince < IDLE_MS) return next;
        next.socket.destroy();
      }
      return open();
    },
    close() {
      for (const socket of all) socket.destroy();
    },
  };
}
