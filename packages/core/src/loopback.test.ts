import { expect, it } from "vitest";
import { isLoopbackHost, isLoopbackUrl } from "./loopback.ts";

it.each(["localhost", "LOCALHOST", "127.0.0.1", "127.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"])(
  "only this machine can connect to %s",
  (host) => expect(isLoopbackHost(host)).toBe(true),
);

it.each(["0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "::2", "", "a b"])(
  "other machines can connect to %j, or it is no address",
  (host) => expect(isLoopbackHost(host)).toBe(false),
);

it.each([
  ["http://127.0.0.1:4600/v1", true],
  ["http://localhost", true],
  ["https://[::1]:8443/x", true],
  ["https://127.0.0.1@example.com/", false],
  ["https://api.example.com/?at=127.0.0.1", false],
  ["/flows", false],
  ["", false],
])("the host of the URL %j is this machine: %s", (url, is) => expect(isLoopbackUrl(url)).toBe(is));
