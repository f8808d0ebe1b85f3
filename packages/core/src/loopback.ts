/** Addresses that only programs on the same machine can reach. */

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @param host a name, or an address without brackets. Every spelling of an address counts, such as `127.1` and `0:0:0:0:0:0:0:1` */
export function isLoopbackHost(host: string): boolean {
  return isLoopbackUrl(`http://${host.includes(":") ? `[${host}]` : host}`);
}

/** Returns false for a text that is no URL. */
export function isLoopbackUrl(url: string): boolean {
  return LOOPBACK.test(URL.parse(url)?.hostname ?? "");
}
