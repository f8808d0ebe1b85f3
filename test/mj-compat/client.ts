/**
 * A compat API client and an in-memory HTTP app. Tests send requests like a real client and advance the harness by
 * hand.
 */
import { createApp } from "../../functions/http/app.ts";
import { apiKeyOf } from "../../functions/http/operator-key.ts";
import { checked } from "../openapi/checked.ts";
import { createTestHarness } from "../support/harness.ts";

export const SECRET = "mjk_of_app_a";
export const OTHER_SECRET = "mjk_of_app_b";

// biome-ignore lint/suspicious/noExplicitAny: a test looks into JSON
export type Json = any;

export interface MjResponse {
  status: number;
  body: Json;
  headers: Headers;
}

export function createClient(
  options: Partial<Parameters<typeof createApp>[0]> = {},
  harness: ReturnType<typeof createTestHarness> = createTestHarness(),
) {
  const apiKeys = [apiKeyOf("app_a", SECRET), apiKeyOf("app_b", OTHER_SECRET)];
  const defaults = { storeProgress: false, resubmit: "after-grace", archive: false } as const;
  const unchecked = createApp({ ...harness.deps, apiKeys, ...defaults, ...options });
  const app = checked(unchecked);

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { "mj-api-secret": SECRET },
  ): Promise<MjResponse> {
    const response = await app.request(path, {
      method,
      headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  }

  const post = (path: string, body: unknown, headers?: Record<string, string>) => call("POST", path, body, headers);
  const fetchTask = async (id: string) => (await call("GET", `/mj/task/${id}/fetch`)).body;

  /** Submits an imagine, finishes all tasks and returns the compat task id. */
  async function imagined(body: object = {}): Promise<string> {
    const { body: answer } = await post("/mj/submit/imagine", { prompt: "a paper boat", ...body });
    await harness.finishAll();
    return answer.result;
  }

  return {
    harness,
    app,
    unchecked,
    call,
    post,
    fetchTask,
    imagined,
    /** The customId of a finished task's button, by its label. */
    async customId(id: string, label: string): Promise<string> {
      const task = await fetchTask(id);
      return task.buttons.find((button: Json) => button.label === label || button.emoji === label).customId;
    },
  };
}

export type Client = ReturnType<typeof createClient>;
