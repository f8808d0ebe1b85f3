/**
 * Paths of the compat API. A base URL that ends with "/" makes "//mj/…", and some clients end a path with "/". Servers of the
 * family accept both.
 */
import { getPath } from "hono/utils/url";

/**
 * Path prefixes with a mode. Some vendors omit the `/mj` after it. Longer prefixes come first, because the first match
 * wins.
 */
const MODE_PREFIXES = ["fast", "relax", "turbo"].flatMap((mode) => [`/mj-${mode}/mj`, `/mj-${mode}`, `/${mode}/mj`]);
export const MJ_PREFIXES = [...MODE_PREFIXES, "/v1/mj", "/mj"];

/** Returns the path by which the router finds the route. Paths of other routes stay as they are. */
export function routedPath(request: Request): string {
  const path = getPath(request);
  const plain = path.replace(/\/{2,}/g, "/").replace(/\/$/, "");
  return MJ_PREFIXES.some((prefix) => plain.startsWith(`${prefix}/`)) ? plain : path;
}
