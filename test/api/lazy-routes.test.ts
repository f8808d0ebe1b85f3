/** The routes that the API registers without their code are those that the code has. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LINK_ROUTES, ROUTE_GROUPS } from "../../functions/http/route-groups.ts";
import { createApiClient } from "../app/api-client.ts";

const HTTP = new URL("../../functions/http/", import.meta.url);

const GROUPS = [...LINK_ROUTES, ...ROUTE_GROUPS];

test.each(GROUPS)("$base registers exactly the routes of its code: $routes", async ({ routes, load }) => {
  const own = (await load()).routes.map(({ method, path }) => `${method} ${path}`);
  expect([...new Set(own)]).toEqual(routes);
});

test("every group has routes of its own", () => {
  const all = GROUPS.flatMap(({ base, routes }) => routes.map((route) => `${base} ${route}`));
  expect(new Set(all).size).toBe(all.length);
});

test("a middleware in front of one route of a group runs before the route", async () => {
  const api = createApiClient();
  const { key } = await api.join("lazy");
  expect((await api.call(key, "GET", "/v1/overdue")).body.code).toBe("forbidden");
});

test("only validate.ts calls a schema, so that every issue has one of our texts", () => {
  const files = readdirSync(HTTP, { recursive: true, encoding: "utf8" }).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  );
  const calling = files.filter((file) => /\.safeParse(?:Async)?\(/.test(readFileSync(new URL(file, HTTP), "utf8")));
  expect(calling).toEqual(["validate.ts"]);
});
