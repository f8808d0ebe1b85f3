/** Errors of request schemas say what is expected, what was received and which name was probably meant. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { RouteName } from "../../functions/http/openapi/route-description.ts";
import { FLOW, type Json, OPERATOR } from "../app/api-client.ts";
import { createOpenApiHarness, type OpenApiHarness, REQUESTS } from "../openapi/harness.ts";
import { DESCRIBED } from "../openapi/routes.ts";

let harness: OpenApiHarness;
beforeAll(async () => {
  harness = await createOpenApiHarness();
});

const ask = async (method: string, path: string, body?: unknown, key = harness.key): Promise<Json> =>
  (await harness.ask(key, method, { path, ...(body !== undefined && { body }) })).body;

describe("the errors of a flow request", () => {
  test.each([
    [{ provder: "x" }, "provder", "is not a known field. Did you mean `provider`?"],
    [{ Prompt: "x" }, "Prompt", "is not a known field. Did you mean `prompt`?"],
    [{ notifyhook: "https://a.test" }, "notifyhook", "Did you mean `notifyHook`?"],
    [{ zzz: 1 }, "zzz", "is not a known field. Known fields: action, provider, prompt, mode"],
    [{ then: "U1" }, "then", "must be a list; received text"],
    [{ then: { press: "U1" } }, "then", "must be a list; received an object"],
    [
      { then: [{ press: "U1", foo: 1 }] },
      "then[0].foo",
      "is not a known field. Known fields: press, prompt, modal, then",
    ],
    [{ then: [{ press: "" }] }, "then[0].press", "must not be empty"],
    [{ then: [{ press: [] }] }, "then[0].press", "must not be empty"],
    [{ then: [{ press: ["U1", ""] }] }, "then[0].press[1]", "must not be empty"],
    [{ then: [{ press: ["U1", 7] }] }, "then[0].press", "item 2 must be text; received 7"],
    [{ then: [{ press: 7 }] }, "then[0].press", "must be a button's label or name, or a list of them"],
    [{ then: [{ press: "x".repeat(201) }] }, "then[0].press", "must have at most 200 characters; it has 201"],
    [{ then: [{}] }, "then[0].press", "must be a button's label or name, or a list of them"],
    [{ prompt: "" }, "prompt", "must not be empty"],
    [{ prompt: 7 }, "prompt", "must be text; received 7"],
    [{ prompt: null }, "prompt", "must be text; received null"],
    [{ prompt: "x".repeat(16_385) }, "prompt", "must have at most 16384 characters; it has 16385"],
    [{ mode: "slow" }, "mode", 'must be "fast", "relax" or "turbo"; received "slow"'],
    [{ mode: "Fast" }, "mode", 'Did you mean "fast"?'],
    [{ botType: "NIJI" }, "botType", 'must be "MID_JOURNEY" or "NIJI_JOURNEY"; received "NIJI"'],
    [{ mode: "x".repeat(1_000) }, "mode", `received "${"x".repeat(40)}…"`],
    [{ archive: "yes" }, "archive", 'must be true, false or "later"; received "yes"'],
    [{ events: ["flow.complete"] }, "events[0]", 'Did you mean "flow.completed"?'],
    [{ accountFilter: { mode: ["FAST"] } }, "accountFilter.mode", "Did you mean `modes`?"],
    [
      { base64Array: ["data:image/png;base64,iVBO="] },
      "base64Array[0]",
      'the base64 has 1 "=" at its end, but needs 0',
    ],
  ])("%j names %s and says %s", async (fields, field, text) => {
    const body = await ask("POST", "/v1/flows", { ...FLOW, ...fields });
    expect([body.code, body.field]).toEqual(["invalid_request", field]);
    expect(body.detail).toContain(`${field}: `);
    expect(body.detail).toContain(text);
    expect(body.errors[0]).toMatchObject({ field, message: expect.stringContaining(text) });
  });

  test("each unknown field and each wrong field is listed once", async () => {
    const body = await ask("POST", "/v1/flows", { prompt: "", provder: "x", mdoe: "fast", archive: 1 });
    expect(body.errors).toEqual([
      { field: "prompt", message: "must not be empty" },
      { field: "archive", message: 'must be true, false or "later"; received 1' },
      { field: "provder", message: "is not a known field. Did you mean `provider`?" },
      { field: "mdoe", message: "is not a known field. Did you mean `mode`?" },
    ]);
  });

  test.each([[[]], ["text"], [7], [null]])("the body %j is named as a whole", async (sent) => {
    const body = await ask("POST", "/v1/flows", JSON.stringify(sent));
    expect(body.detail).toMatch(/^body: must be an object; received /);
  });
});

describe("the errors of query parameters", () => {
  test.each([
    ["/v1/flows?limit=0", "limit", "must be at least 1; received 0"],
    ["/v1/flows?limit=101", "limit", "must be at most 100; received 101"],
    ["/v1/flows?limit=1.5", "limit", "must be a whole number; received 1.5"],
    ["/v1/flows?limit=many", "limit", "must be a number"],
    ["/v1/flows?status=RUNNING", "status", 'Did you mean "running"?'],
    ["/v1/flows?since=2026-01-01", "since", "for example 2026-11-21T10:00:00Z; received"],
    ["/v1/flows?since=2026-01-01T00:00:00+08:00", "since", "Write the + of the offset as %2B."],
    ["/v1/flows?stauts=running", "stauts", "Did you mean `status`?"],
    ["/v1/deliveries?statsu=failed", "statsu", "Did you mean `status`?"],
    ["/v1/usage?application=x", "application", "Known fields: app"],
  ])("%s names %s and says %s", async (path, field, text) => {
    const body = await ask("GET", path);
    expect([body.code, body.field]).toEqual(["invalid_request", field]);
    expect(body.detail).toContain(text);
  });
});

describe("no error text of any route is without content", () => {
  /** Texts of zod without a locale, and of values that were put into a text unchecked. */
  const EMPTY = /invalid input|\bundefined\b|\[object|\bNaN\b/i;
  const value = fc.oneof(
    fc.constantFrom(
      null,
      true,
      -1,
      0,
      1.5,
      1e21,
      "",
      " ",
      "x".repeat(20_000),
      [],
      {},
      [null],
      [{}],
      "data:image/png;base64,=",
      "\ud800",
    ),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const mutated = (valid: object) =>
    fc
      .dictionary(fc.constantFrom(...Object.keys(valid), "then", "limits", "nobodyKnowsThis"), value, { maxKeys: 3 })
      .map((fields) => ({ ...valid, ...fields }));

  const bodied = DESCRIBED.filter(({ body }) => body !== undefined);
  test.each(bodied.map((route) => [route.name, route] as const))("%s with wrong bodies", async (name, route) => {
    const { path, body } = REQUESTS[name as RouteName]!(harness);
    const key = route.key === "operator" ? OPERATOR : harness.key;
    const wrong = [
      ...fc.sample(mutated(body as object), { numRuns: 25, seed: 13 }),
      ...fc.sample(value, { numRuns: 5, seed: 13 }),
    ];
    for (const sent of wrong) {
      const response = await harness.ask(key, route.method, { path, body: JSON.stringify(sent) });
      if (response.status < 400 && (response.body?.code ?? 1) === 1) continue;
      const { detail, errors, description } = response.body;
      for (const text of [detail ?? description, ...(errors ?? []).map(({ message }: Json) => message)]) {
        expect(text, JSON.stringify(sent).slice(0, 500)).not.toMatch(EMPTY);
        expect(text.length).toBeGreaterThan(5);
        expect(text.length).toBeLessThan(1_000);
      }
    }
  });

  const queried = DESCRIBED.filter(({ query, key }) => query !== undefined && key !== "none");
  test.each(queried.map((route) => [route.name, route] as const))("%s with wrong parameters", async (_, route) => {
    const names = [...Object.keys(route.query!.shape), "nobody"];
    for (const name of names) {
      for (const text of ["", " ", "x", "-1", "1e9", "null", "x".repeat(20_000)]) {
        const path = `${route.path}?${name}=${encodeURIComponent(text)}`;
        const { status, body } = await harness.ask(OPERATOR, route.method, { path });
        if (status < 400) continue;
        expect(body.detail, path.slice(0, 200)).not.toMatch(EMPTY);
      }
    }
  });
});
