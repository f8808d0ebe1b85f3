/** Servers on this machine, and a pretended internet between them and the code under test. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createServerTls } from "node:https";
import type { AddressInfo, Server as NetServer } from "node:net";
import { onTestFinished, vi } from "vitest";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** Listens on 127.0.0.1 until the test is over. @returns its port */
export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    (server as Partial<Server>).closeAllConnections?.();
  });
  return (server.address() as AddressInfo).port;
}

export function serveHttp(answer: RequestListener): Promise<number> {
  return listen(createServer(answer));
}

/** As hooks.example, with `TEST_CERTIFICATE`. */
export function serveHttps(answer: RequestListener): Promise<number> {
  return listen(createServerTls(TEST_CERTIFICATE, answer));
}

/** The door between Node and the kernel. */
interface Handle {
  connect(request: unknown, address: string, port: number): number;
  connect6(request: unknown, address: string, port: number): number;
}

/**
 * Stands where Node asks the kernel to connect, below every lookup, agent and race between addresses, until the test is
 * over. Nothing leaves this machine: an address of `hosts` leads to that port here, all others are unreachable.
 *
 * @returns each address and port asked for, in order
 */
export function fakeInternet(hosts: Readonly<Record<string, number>> = {}): string[] {
  const dialled: string[] = [];
  const binding = (process as unknown as { binding(name: string): { TCP: { prototype: Handle } } }).binding("tcp_wrap");
  const api = binding.TCP.prototype;
  const dial = api.connect;
  for (const name of ["connect", "connect6"] as const) {
    const spy = vi.spyOn(api, name).mockImplementation(function (this: Handle, request, address, port) {
      dialled.push(`${address} ${port}`);
      const here = hosts[address];
      // The kernel's own "network is unreachable".
      return here === undefined ? -101 : dial.call(this, request, "127.0.0.1", here);
    });
    onTestFinished(() => spy.mockRestore());
  }
  return dialled;
}
