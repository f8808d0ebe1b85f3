import { expect, test } from "vitest";
import { filterOf, matchesFilter, NO_FILTER, queryOf, toQuery } from "./filter.ts";
import { PARAMETERS, parameterOf, withParameter, withValue } from "./parameter.ts";
import { hrefOf, type Route, routeOf, withQuery } from "./route.ts";
import { ago, between, duration } from "./time.ts";

test("every page has a link that is parsed back to the page, and any other hash opens the gallery", () => {
  const routes: Route[] = [
    { page: "flows", query: {} },
    { page: "gallery", query: { kind: "video", q: "a & b" } },
    { page: "create", query: { from: "flow_1" } },
    { page: "deliveries", query: {} },
    { page: "health", query: {} },
    { page: "settings", section: "apps", query: {} },
    { page: "flow", id: "flow_1", task: undefined, query: {} },
    { page: "flow", id: "a/b", task: "task%_1", query: { view: "timeline" } },
  ];
  for (const route of routes) expect(routeOf(hrefOf(route as Parameters<typeof hrefOf>[0]))).toEqual(route);
  for (const hash of ["", "#", "#/", "#/elsewhere", "#/__proto__"])
    expect(routeOf(hash)).toEqual({ page: "gallery", query: {} });
  expect(routeOf("#/flows/%E0%A4%A")).toEqual({ page: "flows", query: {} });
  expect(routeOf("#/new")).toEqual({ page: "create", query: {} });
});

test("a field of the query is set, replaced and removed, and the rest of the route stays", () => {
  expect(withQuery("#/flows", { status: "failed" })).toBe("#/flows?status=failed");
  expect(withQuery("#/flows?status=failed&q=boat", { status: "", provider: "x" })).toBe("#/flows?q=boat&provider=x");
  expect(withQuery("#/flows?status=failed", { status: "" })).toBe("#/flows");
  expect(withQuery("", { q: "boat" })).toBe("#/?q=boat");
});

test("the filter of a route is the filter that wrote it, and an unknown status is no filter", () => {
  const filter = { status: "failed", provider: "p", state: "s", search: "q" } as const;
  expect(filterOf(queryOf(filter))).toEqual(filter);
  expect(filterOf({ status: "nonsense" })).toEqual(NO_FILTER);
});

test("a flow matches the filter only if it matches every field", () => {
  const flow = {
    id: "flow_1",
    status: "running",
    state: "order 7",
    provider: "simulator",
    prompt: "A paper boat",
  } as const;
  expect(matchesFilter(flow, NO_FILTER)).toBe(true);
  expect(matchesFilter(flow, { ...NO_FILTER, status: "running", state: "order 7", search: "BOAT paper" })).toBe(true);
  expect(matchesFilter(flow, { ...NO_FILTER, search: "boat ship" })).toBe(false);
  expect(matchesFilter(flow, { ...NO_FILTER, state: "order" })).toBe(false);
  expect(matchesFilter(flow, { ...NO_FILTER, provider: "cometapi" })).toBe(false);
});

test("a search finds a flow by its id or by at least six characters of the id, but not by fewer", () => {
  const id = "flow_01K9PX249D3YQ7ZT5B8M6W4N2C";
  const flow = { id, status: "running", state: null, provider: "simulator", prompt: "order 7" } as const;
  for (const search of [id, id.toLowerCase(), "01K9PX", "8M6W4N2C", "order 01k9px249"])
    expect(matchesFilter(flow, { ...NO_FILTER, search })).toBe(true);
  for (const search of ["249", "order 249", "w4n2c", "flow"])
    expect(matchesFilter(flow, { ...NO_FILTER, search })).toBe(false);
});

test("the query contains only filters that the API supports", () => {
  const filter = { ...NO_FILTER, status: "failed", provider: "cometapi" } as const;
  expect(toQuery(filter, () => true)).toEqual({ status: "failed", provider: "cometapi" });
  expect(toQuery(filter, (name) => name === "status")).toEqual({ status: "failed" });
});

test("a parameter is added once, at the end of the prompt", () => {
  const ar = PARAMETERS.find(({ name }) => name === "--ar")!;
  const tile = PARAMETERS.find(({ name }) => name === "--tile")!;
  expect(withParameter("a boat", ar)).toBe("a boat --ar 16:9");
  expect(withParameter("a boat --ar 1:1 --v 7", ar)).toBe("a boat --v 7 --ar 16:9");
  expect(withParameter("a boat --tile --v 7", tile)).toBe("a boat --v 7 --tile");
  expect(withParameter("", ar)).toBe("--ar 16:9");
});

test("the value of a parameter is read from the prompt and written back in its place", () => {
  expect(parameterOf("a boat --ar 3:2 --tile", "--ar")).toBe("3:2");
  expect(parameterOf("a boat --aspect 3:2", "--ar")).toBe("3:2");
  expect(parameterOf("a boat --tile", "--tile")).toBe("");
  expect(parameterOf("a boat --arc 3", "--ar")).toBeUndefined();
  expect(withValue("a boat --ar 3:2 --v 7", "--ar", "16:9")).toBe("a boat --ar 16:9 --v 7");
  expect(withValue("a boat", "--v", "7")).toBe("a boat --v 7");
});

test("durations and ages are formatted in readable units", () => {
  expect([0, 38, 4_210, 59_400, 200_000, 7_500_000, 2e8].map(duration)).toEqual([
    "0 ms",
    "38 ms",
    "4.2 s",
    "59 s",
    "3 min 20 s",
    "2 h 5 min",
    "2 days",
  ]);
  const now = Date.parse("2026-01-10T00:00:00Z");
  expect(ago("2026-01-09T23:57:00Z", now)).toBe("3 min. ago");
  expect(ago("2025-12-01T00:00:00Z", now)).toBe("2025-12-01");
  expect(ago("nonsense", now)).toBe("");
  expect(between("2026-01-01T00:00:00Z", null)).toBeUndefined();
});
