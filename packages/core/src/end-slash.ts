/** Removes the slashes at the end of a URL or path. A longer pattern would try again at every slash, so many slashes would take minutes. */
export function withoutEndSlashes(url: string): string {
  return url.replace(/(?<!\/)\/+$/, "");
}
