import { isLoopbackHost } from "@mjflow/core/loopback";
import { afterEach, describe, expect, test } from "vitest";
import { ConfigError } from "./config-error.ts";
import { close, IDLE_MS, listen, portOf, urlOf } from "./listener.ts";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0)) await step();
});

describe("addresses", () => {
  test.each([
    ["127.0.0.1", true, "http://127.0.0.1:80"],
    ["127.1.2.3", true, "http://127.1.2.3:80"],
    ["localhost", true, "http://localhost:80"],
    ["::1", true, "http://[::1]:80"],
    ["0.0.0.0", false, "http://127.0.0.1:80"],
    ["::", false, "http://[::1]:80"],
    ["192.0.2.7", false, "http://192.0.2.7:80"],
    ["2001:db8::1", false, "http://[2001:db8::1]:80"],
  ])("%s: only this machine can connect: %s; this machine uses %s", (host, only, url) => {
    expect(isLoopbackHost(host)).toBe(only);
    expect(urlOf(host, 80)).toBe(url);
  });

  test("an address of another machine is an error that names the setting", async () => {
    // 192.0.2.0/24 is for documents only (RFC 5737). A failed bind sends nothing.
    const listening = listen(0, "192.0.2.7");
    await expect(listening).rejects.toThrow(ConfigError);
    await expect(listening).rejects.toThrow("MJFLOW_HOST");
  });

  test("a port in use is an error that names the setting", async () => {
    const server = await listen(0, "127.0.0.1");
    cleanUp.push(() => close(server));
    await expect(listen(portOf(server), "127.0.0.1")).rejects.toThrow("MJFLOW_PORT");
  });
});

test("an idle connection stays open longer than those of a proxy, and the response says so", async () => {
  const server = await listen(0, "127.0.0.1");
  cleanUp.push(() => close(server));
  // A proxy with 60 s closes first, also if this process stood still for some seconds.
  expect(server.keepAliveTimeout).toBe(IDLE_MS);
  expect(IDLE_MS).toBeGreaterThanOrEqual(70_000);
  const { headers } = await fetch(urlOf("127.0.0.1", portOf(server)));
  expect(headers.get("keep-alive")).toBe(`timeout=${IDLE_MS / 1_000}`);
});

describe("close", () => {
  test("a request in progress gets its response before the server is closed", async () => {
    const server = await listen(0, "127.0.0.1");
    const { promise: arrived, resolve } = Promise.withResolvers<() => void>();
    server.removeAllListeners("request").on("request", (_, response) => resolve(() => response.end("whole")));
    const response = fetch(urlOf("127.0.0.1", portOf(server)));
    const answer = await arrived;
    const closed = close(server, 60_000);
    answer();
    expect(await (await response).text()).toBe("whole");
    await closed;
  });

  test("a stream without end is cut off after the time limit", async () => {
    const server = await listen(0, "127.0.0.1");
    server.removeAllListeners("request").on("request", (_, response) => response.write("data: 1\n\n"));
    const response = await fetch(urlOf("127.0.0.1", portOf(server)));
    await close(server, 0);
    await expect(response.text()).rejects.toThrow();
  });
});
