/** Local servers, and a simulated internet between them and the code under test. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createServerTls } from "node:https";
import type { AddressInfo, Server as NetServer } from "node:net";
import { onTestFinished, vi } from "vitest";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** Listens on 127.0.0.1 until the test ends. @returns the TCP port */
export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    (server as Partial<Server>).closeAllConnections?.();
  });
  return (server.address() as AddressInfo).port;
}

export function serveHttp(handler: RequestListener): Promise<number> {
  return listen(createServer(handler));
}

/** Serves https as hooks.example with `TEST_CERTIFICATE`. */
export function serveHttps(handler: RequestListener): Promise<number> {
  return listen(createServerTls(TEST_CERTIFICATE, handler));
}

/** Node's internal TCP handle, which calls the kernel. */
interface Handle {
  connect(request: unknown, address: string, port: number): number;
  connect6(request: unknown, address: string, port: number): number;
}

/**
 * Replaces Node's call to the kernel's `connect` until the test ends. The replacement is below every lookup, agent and
 * address race. No connection leaves this machine: an address in `hosts` is connected to its local port, and all other
 * addresses are unreachable.
 *
 * @returns each requested address and port, in order
 */
export function fakeInternet(hosts: Readonly<Record<string, number>> = {}): string[] {
  const connected: string[] = [];
  const binding = (process as unknown as { binding(name: string): { TCP: { prototype: Handle } } }).binding("tcp_wrap");
  const api = binding.TCP.prototype;
  const connect = api.connect;
  for (const name of ["connect", "connect6"] as const) {
    const spy = vi.spyOn(api, name).mockImplementation(function (this: Handle, request, address, port) {
      connected.push(`${address} ${port}`);
      const localPort = hosts[address];
      // ENETUNREACH, "network is unreachable".
      return localPort === undefined ? -101 : connect.call(this, request, "127.0.0.1", localPort);
    });
    onTestFinished(() => spy.mockRestore());
  }
  return connected;
}
