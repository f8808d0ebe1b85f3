/** The HTTP API on the in-memory harness, with the operator key and any number of apps. */
import type { Limits } from "@mjflow/core/app";
import type { Store } from "@mjflow/core/port";
import { createApp } from "../../functions/http/app.ts";
import type { ApiDeps } from "../../functions/http/env.ts";
import { apiKeyOf } from "../../functions/http/operator-key.ts";
import { checked } from "../openapi/checked.ts";
import { createTestHarness, type TestHarnessOptions } from "../support/harness.ts";

export const OPERATOR = "mjk_operator_of_the_stage";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
export type Json = any;

export interface ApiResponse {
  status: number;
  headers: Headers;
  body: Json;
  text: string;
}

export type ApiClient = ReturnType<typeof createApiClient>;

export function createApiClient(
  instead: Partial<
    Pick<ApiDeps, "sleep" | "corsOrigins" | "streams" | "apiUrl" | "consoleUrl" | "archive" | "translator">
  > = {},
  options: TestHarnessOptions = {},
) {
  const harness = createTestHarness(options);
  const deps = {
    ...harness.deps,
    apiKeys: [apiKeyOf("app_default", OPERATOR)],
    storeProgress: false,
    resubmit: "after-grace" as const,
    archive: false,
    streams: { follow: "read" as const },
    ...instead,
  };
  /** Another container with a cache of its own. */
  const container = (methods: Partial<Store> = {}) => createApp({ ...deps, store: replaced(deps.store, methods) });
  const app = container();

  async function call(
    key: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    on: { request: typeof app.request } = app,
  ): Promise<ApiResponse> {
    // Every response is checked against the OpenAPI document.
    const response = await checked(on).request(path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  return {
    harness,
    deps,
    app,
    container,
    call,
    /** Creates an app with one API key. */
    async join(
      name = "shop",
      limits?: Limits,
      creditCounters?: number,
    ): Promise<{ id: string; key: string; keyId: string }> {
      const { body } = await call(OPERATOR, "POST", "/v1/apps", { name, limits, creditCounters });
      const made = await call(OPERATOR, "POST", `/v1/apps/${body.id}/keys`, {});
      return { id: body.id, key: made.body.key, keyId: made.body.id };
    },
  };
}

/** Returns the store with some methods replaced. */
function replaced(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, { get: (target, verb: keyof Store) => methods[verb] ?? target[verb] });
}

export const FLOW = { provider: "fake", prompt: "a paper boat" };
