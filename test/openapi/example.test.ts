/**
 * packages/docs/examples/responses.json has a response of each route, as the HTTP app gives it to the requests below. The
 * documentation site shows them. `npm run docs:examples` writes the file.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import type { RouteName } from "../../functions/http/openapi/route-description.ts";
import { createOpenApiHarness, type Json, keyFor, REQUESTS, SEED_REQUESTS } from "./harness.ts";
import { isRecording, shownJson } from "./record.ts";
import { DESCRIBED, type Described } from "./routes.ts";

const FILE = new URL("../../packages/docs/examples/responses.json", import.meta.url);
const written = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Json>) : {};
const recorded: Record<string, Json> = {};

/** The example that the reference shows, if the resources of the harness fit it; otherwise the body of the harness. */
function bodyOf({ example, key, path }: Described, body: unknown): unknown {
  if (example === undefined || key === "mj" || path.includes("{")) return body;
  const shown = example as Record<string, unknown>;
  return "provider" in shown ? { ...shown, provider: "fake" } : shown;
}

const withBody = DESCRIBED.filter(({ responses }) => Object.values(responses).some(({ schema }) => schema));

test.each(withBody.map((route) => [route.name, route] as const))(
  "the documentation shows the response to %s",
  async (name, route) => {
    const harness = await createOpenApiHarness();
    await SEED_REQUESTS[name as RouteName]?.(harness);
    const request = REQUESTS[name as RouteName]!(harness);
    const body = bodyOf(route, request.body);
    const as = keyFor(route, harness) ?? harness.key;
    const response = await harness.ask(as, route.method, { ...request, ...(body !== undefined && { body }) });
    expect(response.status, response.text).toBeLessThan(400);
    recorded[route.id] = { status: response.status, body: shownJson(response.text) };
    if (!isRecording) expect(recorded[route.id], "run `npm run docs:examples`").toEqual(written[route.id]);
  },
);

test("the documentation shows the response to a batch, which has its own schema", async () => {
  const harness = await createOpenApiHarness();
  const body = { provider: "fake", then: [{ press: "U1" }], batch: [{ prompt: "a boat" }, { prompt: "a lake" }] };
  const response = await harness.ask(harness.key, "POST", { path: "/v1/flows", body });
  expect(response.status, response.text).toBe(207);
  recorded["createFlow 207"] = { status: 207, body: shownJson(response.text) };
  if (!isRecording)
    expect(recorded["createFlow 207"], "run `npm run docs:examples`").toEqual(written["createFlow 207"]);
});

afterAll(() => {
  if (isRecording) writeFileSync(FILE, `${JSON.stringify(recorded, null, 1)}\n`);
});
