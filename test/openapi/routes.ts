/** The route descriptions in the form that the tests need. */
import type { ErrorCode } from "@mjflow/core/error";
import { ERRORS } from "@mjflow/core/error";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/path.ts";
import { pathOf } from "../../functions/http/openapi/document.ts";
import { GROUPS } from "../../functions/http/openapi/group.ts";
import type { RouteDescription } from "../../functions/http/openapi/route-description.ts";

export interface Described extends Omit<RouteDescription, "path"> {
  /** Method and path as declared, for example `GET /v1/flows/:id`. */
  name: string;
  method: string;
  /** Path as in the document, for example `/v1/flows/{id}`. */
  path: string;
  pattern: RegExp;
}

export const DESCRIBED: readonly Described[] = GROUPS.flatMap(({ routes }) =>
  Object.entries(routes).map(([name, description]) => {
    const path = pathOf(name);
    const pattern = path
      .replace(/[.]/g, "\\.")
      .replace(/\{(\w+)\}/g, (_, parameter) => (parameter === "key" ? ".+" : "[^/]+"));
    return { ...description, name, method: name.split(" ")[0]!, path, pattern: new RegExp(`^${pattern}$`) };
  }),
);

/**
 * Returns the description for a method and path. The compat API is described under the prefix `/mj` only. If several
 * routes match, the one with the fewest parameters wins, so that `/mj/task/list` is not read as a task id.
 */
export function routeOf(method: string, address: string): Described | undefined {
  const prefix = MJ_PREFIXES.find((candidate) => address.startsWith(`${candidate}/`));
  const path = prefix === undefined ? address : `/mj${address.slice(prefix.length)}`;
  const matching = DESCRIBED.filter((route) => route.method === method && route.pattern.test(path));
  return matching.sort((a, b) => (a.path.match(/\{/g)?.length ?? 0) - (b.path.match(/\{/g)?.length ?? 0))[0];
}

export function isMjRoute({ key }: Described): boolean {
  return key === "mj";
}

/** Every response that a route declares, for example `202` or `409 conflict`. */
export function declaredBy({ responses, errors }: Described): string[] {
  return [...Object.keys(responses), ...errors.map((code: ErrorCode) => `${ERRORS[code].status} ${code}`)];
}
