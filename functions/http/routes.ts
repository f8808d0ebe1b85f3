/** What the router knows about its routes: the methods of each path, and the route that a mistyped one resembles. */
import { MjflowError } from "@mjflow/core/error";
import { editDistance } from "@mjflow/core/nearest";
import type { Context } from "hono";

export interface RegisteredRoute {
  method: string;
  /** Pattern of the router, for example `/v1/flows/:id`. */
  path: string;
}

/** Returns the value of `Allow` for each path. Handlers of all methods do not count. */
export function allowedMethods(routes: readonly RegisteredRoute[]): Map<string, string> {
  const methods = new Map<string, Set<string>>();
  for (const { method, path } of routes) {
    if (method === "ALL") continue;
    const ofPath = methods.get(path) ?? new Set();
    ofPath.add(method);
    // The router answers HEAD with the handler of GET.
    if (method === "GET") ofPath.add("HEAD");
    methods.set(path, ofPath);
  }
  return new Map([...methods].map(([path, names]) => [path, [...names].sort().join(", ")]));
}

/** Longer paths are shortened in the message and resemble no route. */
const PATH_LENGTH = 200;

export function routeNotFound(c: Pick<Context, "req">, routes: readonly RegisteredRoute[]): MjflowError {
  const { method } = c.req;
  const { pathname } = new URL(c.req.url);
  const shown = pathname.length > PATH_LENGTH ? `${pathname.slice(0, PATH_LENGTH)}…` : pathname;
  const meant = pathname.length > PATH_LENGTH ? undefined : nearestRoute(method, pathname, routes);
  const hint = meant ? ` Did you mean ${meant.method} ${meant.path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}")}?` : "";
  return new MjflowError("route_not_found", { detail: `There is no route ${method} ${shown}.${hint}` });
}

/** Returns the route with the fewest edits; undefined if no route resembles the path. */
export function nearestRoute(
  method: string,
  pathname: string,
  routes: readonly RegisteredRoute[],
): RegisteredRoute | undefined {
  let best: { route: RegisteredRoute; edits: number } | undefined;
  for (const route of routes) {
    // A wildcard is a middleware or the prefix of another router.
    if (route.method === "ALL" || route.path.includes("*")) continue;
    // A path with another prefix is often the path below a wrong base URL.
    const below = spellings(pathname)
      .map((path) => editsOf(path, route.path))
      .filter((edits) => edits !== undefined);
    if (below.length === 0) continue;
    // Of two methods of a path the requested one is nearer.
    const edits = Math.min(...below) + (route.method === method ? 0 : 0.5);
    if (best === undefined || edits < best.edits) best = { route, edits };
  }
  return best?.route;
}

function spellings(pathname: string): string[] {
  const path = pathname.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
  const at = path.search(/\/(?:v1|mj)\//);
  return [path, `/v1${path}`, `/mj${path}`, ...(at > 0 ? [path.slice(at)] : [])];
}

/** Number of edits between a path and a pattern; undefined if a part differs in more than a third. */
function editsOf(path: string, pattern: string): number | undefined {
  const [parts, patterns] = [path.split("/"), pattern.split("/")];
  if (parts.length !== patterns.length) return undefined;
  let sum = 0;
  for (const [i, wanted] of patterns.entries()) {
    const part = parts[i]!.toLowerCase();
    if (wanted.startsWith(":")) {
      if (part === "") return undefined;
      continue;
    }
    const edits = editDistance(part, wanted.toLowerCase());
    if (edits > Math.floor(Math.max(part.length, wanted.length) / 3)) return undefined;
    sum += edits;
  }
  return sum;
}
