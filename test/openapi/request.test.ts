/** Requests are described by the same schemas with which their routes validate, and the examples are valid requests. */
import { AppRequest, CreditRequest } from "@mjflow/core/app-request";
import { AccountRequest, ActionRequest, CreateRequest, EndpointRequest, ModalInput } from "@mjflow/core/request";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type * as z from "zod/mini";
import { KEYWORDS } from "../../functions/http/openapi/keywords.ts";
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

describe("the document says what the code says about a request", () => {
  const IMAGE = "data:image/png;base64,iVBORw0KGgo=";
  const LINK = "https://images.example.com/boat.png?size=2#top";
  const UPLOAD = "upload_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
  const face = (sourceBase64: string) => ({ action: "swap-face", sourceBase64, targetBase64: IMAGE });
  const account = (fields: object) => ({ baseUrl: "http://127.0.0.1:5610", apiKey: "key", ...fields });

  function isAllowed(name: string, request: unknown): boolean {
    try {
      expectDocumentedRoute(name, `#/components/schemas/${name}`, request);
      return true;
    } catch {
      return false;
    }
  }

  const SCHEMAS: Record<string, z.ZodMiniType> = {
    FlowRequest: CreateRequest,
    ...{ ActionRequest, ModalInput, EndpointRequest, AccountRequest, AppRequest, CreditRequest },
  };

  const ACCEPTED: readonly (readonly [string, object])[] = [
    ["EndpointRequest", { url: LINK }],
    ["EndpointRequest", { url: "https://xn--mnchen-3ya.example:8443" }],
    ["AccountRequest", account({})],
    ["FlowRequest", { prompt: "a boat", notifyHook: LINK }],
    ...[IMAGE, LINK, UPLOAD].map((image) => ["FlowRequest", face(image)] as const),
    ["FlowRequest", { action: "describe", base64Array: [LINK] }],
    ["ModalInput", { maskBase64: IMAGE }],
    ["ModalInput", { maskBase64: UPLOAD }],
    ["ActionRequest", { press: "U1" }],
    ["ActionRequest", { customId: "MJ::JOB::upsample::1::x" }],
    ["CreditRequest", { addUsd: 0.07, reference: "invoice" }],
    ["CreditRequest", { addUsd: 123_456.789_012, reference: "invoice" }],
    ["AppRequest", { name: "shop", limits: { creditsUsd: 0.29 } }],
  ];
  test.each(ACCEPTED)("both accept %s %j", (name, request) => {
    expect(SCHEMAS[name]!.safeParse(request).error).toBeUndefined();
    expect(isAllowed(name, request)).toBe(true);
  });

  const REFUSED: readonly (readonly [string, object])[] = [
    ["EndpointRequest", { url: "boat" }],
    ["EndpointRequest", { url: "ftp://example.com/boat" }],
    ["EndpointRequest", { url: "https://user:word@example.com/" }],
    ["EndpointRequest", { url: "https://" }],
    ["AccountRequest", account({ baseUrl: "127.0.0.1:5610" })],
    ["AccountRequest", account({ apiKey: "a key" })],
    ["FlowRequest", { prompt: "a boat", notifyHook: "example.com" }],
    ["FlowRequest", face("boat.png")],
    ["FlowRequest", face("data:image/png;base64,")],
    ["FlowRequest", face("data:image/png;base64,AAAAA")],
    ["FlowRequest", face("data:image/png;base64,AA=")],
    ["FlowRequest", face("data:image/png;base64,A*AA")],
    ["FlowRequest", face("data:text/plain;base64,AAAA")],
    ["FlowRequest", face("upload_boat")],
    ["FlowRequest", { action: "describe", base64Array: ["boat"] }],
    ["ModalInput", { maskBase64: LINK }],
    ["ModalInput", { maskBase64: "AAAA" }],
    ["ActionRequest", {}],
    ["ActionRequest", { press: "U1", customId: "MJ::JOB::upsample::1::x" }],
    ["CreditRequest", { addUsd: 0.000_000_1, reference: "invoice" }],
    ["AppRequest", { name: "shop", limits: { creditsUsd: 1.234_567_8 } }],
  ];
  test.each(REFUSED)("both refuse %s %j", (name, request) => {
    expect(SCHEMAS[name]!.safeParse(request).error).toBeDefined();
    expect(isAllowed(name, request)).toBe(false);
  });

  test("every image, mask and amount that the document allows is accepted", () => {
    for (const [schema, { pattern }] of KEYWORDS) {
      // What a host name may be is more than a pattern can say.
      if (typeof pattern !== "string" || pattern.startsWith("^https?")) continue;
      const text = fc.stringMatching(new RegExp(pattern)).filter((value) => !value.startsWith("http"));
      fc.assert(fc.property(text, (value) => schema.safeParse(value).success));
    }
    const amount = fc.integer({ min: 1, max: 1e12 }).map((micro) => micro / 1e6);
    fc.assert(fc.property(amount, (addUsd) => CreditRequest.safeParse({ addUsd, reference: "invoice" }).success));
  });

  /** Rules in code that no keyword of JSON Schema can say, by the message of the rule. */
  const UNSAYABLE = /well-formed Unicode|bytes of UTF-8/;
  /** Rules about several fields, which the descriptions of the fields say. */
  const SEVERAL_FIELDS: ReadonlySet<unknown> = new Set([CreateRequest]);

  test("every rule that a request schema checks with code has keywords in the document", () => {
    const missing: string[] = [];
    const seen = new Set<unknown>();
    // biome-ignore lint/suspicious/noExplicitAny: the parts of a schema depend on its kind
    function visit(schema: any, at: string): void {
      if (schema === undefined || seen.has(schema)) return;
      seen.add(schema);
      const { def } = schema._zod;
      const inCode = (def.checks ?? []).filter(
        // biome-ignore lint/suspicious/noExplicitAny: a check of zod
        (check: any) => {
          const { check: kind, error } = check._zod.def ?? {};
          if (kind !== undefined && kind !== "custom") return false;
          return !UNSAYABLE.test(String(typeof error === "function" ? error({}) : error));
        },
      );
      if (inCode.length > 0 && !KEYWORDS.has(schema) && !SEVERAL_FIELDS.has(schema)) missing.push(at);
      for (const part of [def.innerType, def.element, ...(def.options ?? [])]) visit(part, at);
      for (const [field, part] of Object.entries(def.shape ?? {})) visit(part, `${at}.${field}`);
    }
    for (const { name, body, query } of DESCRIBED) for (const schema of [body, query]) visit(schema, name);
    expect(seen.size).toBeGreaterThan(100);
    expect(missing).toEqual([]);
  });
});
