/** The description by route, as the tests ask for it. */
import type { ErrorCode } from "@mjflow/core/error";
import { ERRORS } from "@mjflow/core/error";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/routes.ts";
import { pathOf } from "../../functions/http/openapi/document.ts";
import { GROUPS } from "../../functions/http/openapi/group.ts";
import type { RouteDescription } from "../../functions/http/openapi/route-description.ts";

export interface Described extends Omit<RouteDescription, "path"> {
  /** As it was declared: `GET /v1/flows/:id`. */
  name: string;
  method: string;
  /** As the document has it: `/v1/flows/{id}`. */
  path: string;
  pattern: RegExp;
}

export const DESCRIBED: readonly Described[] = GROUPS.flatMap(({ routes }) =>
  Object.entries(routes).map(([name, description]) => {
    const path = pathOf(name);
    const pattern = path.replace(/[.]/g, "\\.").replace(/\{(\w+)\}/g, (_, one) => (one === "key" ? ".+" : "[^/]+"));
    return { ...description, name, method: name.split(" ")[0]!, path, pattern: new RegExp(`^${pattern}$`) };
  }),
);

/** The facade is described under one of its prefixes. Of several that fit the most literal: `/mj/task/list` is no task's. */
export function routeOf(method: string, address: string): Described | undefined {
  const prefix = MJ_PREFIXES.find((one) => address.startsWith(`${one}/`));
  const path = prefix === undefined ? address : `/mj${address.slice(prefix.length)}`;
  const fitting = DESCRIBED.filter((route) => route.method === method && route.pattern.test(path));
  return fitting.sort((a, b) => (a.path.match(/\{/g)?.length ?? 0) - (b.path.match(/\{/g)?.length ?? 0))[0];
}

export function isMjRoute({ key }: Described): boolean {
  return key === "mj";
}

/** Each answer that a route declares: `202`, `409 conflict`. */
export function declaredBy({ answers, errors }: Described): string[] {
  return [...Object.keys(answers), ...errors.map((code: ErrorCode) => `${ERRORS[code].status} ${code}`)];
}
