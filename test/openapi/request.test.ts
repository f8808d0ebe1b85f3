/** Requests are described by the same schemas with which their routes validate, and the examples are valid requests. */
import { describe, expect, test, vi } from "vitest";
import type { RouteName } from "../../functions/http/openapi/route-description.ts";
import { OPERATOR } from "../app/api-client.ts";
import { expectDocumentedRoute } from "./checked.ts";
import { createOpenApiHarness, REQUESTS, SEED_REQUESTS } from "./harness.ts";
import { DESCRIBED } from "./routes.ts";

const routesWithInput = DESCRIBED.filter(({ body, query, key }) => (body || query) && key !== "none");

test.each(routesWithInput.map((route) => [route.name, route] as const))(
  "%s validates with the schemas of its description",
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

describe("request bodies in the document", () => {
  const bodied = DESCRIBED.filter(({ body }) => body !== undefined);
  const pointerOf = (path: string, method: string) =>
    `#/paths/${path.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D")}/${method.toLowerCase()}/requestBody/content/application~1json/schema`;

  test.each(bodied.map((route) => [route.name, route] as const))(
    "%s has an example that its schema and the document accept",
    async (name, { path, method, body, example }) => {
      const { body: sent } = REQUESTS[name as RouteName]!(await createOpenApiHarness());
      for (const request of [sent, example]) {
        expect(body!.safeParse(request).error).toBeUndefined();
        expectDocumentedRoute(name, pointerOf(path, method), request);
      }
    },
  );
});
