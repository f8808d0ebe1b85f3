/** What holds for every request body, whatever its schema. It has no schema, so that the API can start without zod. */
import { REQUEST } from "./limit.ts";

/**
 * True if the value is nested at most `max` levels deep. The routes check it before zod, because a malicious body could
 * exhaust zod's recursion.
 */
export function isShallow(value: unknown, max = 4 * REQUEST.planDepth): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > max) return false;
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return true;
}

/** Returns the field of a zod issue in the notation of an app, for example `then[1].press`. */
export function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((at, key) => {
    if (typeof key === "number") return `${at}[${key}]`;
    return at ? `${at}.${String(key)}` : String(key);
  }, "");
}
