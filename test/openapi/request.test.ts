/** Requests are described by the very schemas that their routes validate with, and the examples are ones they take. */
import { describe, expect, test, vi } from "vitest";
import type { RouteName } from "../../functions/http/openapi/route-description.ts";
import { OPERATOR } from "../app/api-client.ts";
import { expectDocumentedRoute } from "./checked.ts";
import { createOpenApiHarness, REQUESTS, SEED_REQUESTS } from "./harness.ts";
import { DESCRIBED } from "./routes.ts";

const asked = DESCRIBED.filter(({ body, query, key }) => (body || query) && key !== "none");

test.each(asked.map((route) => [route.name, route] as const))(
  "%s validates with what it is described by",
  async (name, route) => {
    const harness = await createOpenApiHarness();
    await SEED_REQUESTS[name as RouteName]?.(harness);
    const schemas = [route.body, route.query].filter((schema) => schema !== undefined);
    const spies = schemas.map((schema) => vi.spyOn(schema, "safeParse"));
    const request = REQUESTS[name as RouteName]!(harness);
    await harness.ask(route.key === "operator" ? OPERATOR : harness.key, route.method, request);
    for (const spy of spies) expect(spy).toHaveBeenCalled();
    vi.restoreAllMocks();
  },
);

describe("the document takes what the API takes", () => {
  const bodied = DESCRIBED.filter(({ body }) => body !== undefined);
  const placeOf = (path: string, method: string) =>
    `#/paths/${path.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D")}/${method.toLowerCase()}/requestBody/content/application~1json/schema`;

  test.each(bodied.map((route) => [route.name, route] as const))(
    "%s",
    async (name, { path, method, body, example }) => {
      const { body: sent } = REQUESTS[name as RouteName]!(await createOpenApiHarness());
      for (const one of [sent, example]) {
        expect(body!.safeParse(one).error).toBeUndefined();
        expectDocumentedRoute(name, placeOf(path, method), one);
      }
    },
  );
});
