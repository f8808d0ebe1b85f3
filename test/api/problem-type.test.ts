/** The `type` of a problem is the URL of a page about its code, at the address where apps reach the API. */
import { ERRORS, type ErrorCode, MjflowError, problemType } from "@mjflow/core/error";
import { expect, test } from "vitest";
import { createApp } from "../../functions/http/app.ts";
import { createStreamApp } from "../../functions/http/stream-app.ts";
import { createApiClient } from "../app/api-client.ts";

const { app, deps } = createApiClient();
const codes = Object.keys(ERRORS) as ErrorCode[];

async function typeOf(response: Response | Promise<Response>): Promise<string> {
  return ((await (await response).json()) as { type: string }).type;
}

test.each(codes)("the page of %s leads to its line in the API reference", async (code) => {
  const page = problemType("https://mj.example.com", code);
  const { status, headers } = await app.request(page);
  expect(status).toBe(302);
  const target = new URL(headers.get("location")!, page);
  expect(await (await app.request(target.pathname)).text()).toContain(`id="${target.hash.slice(1)}"`);
});

test("a problem links to the origin of its request, or to the configured URL of the API", async () => {
  expect(await typeOf(app.request("https://a.test/v1/flows"))).toBe("https://a.test/docs/errors/unauthorized");
  const named = createApp({ ...deps, apiUrl: "https://mj.example.com/" });
  expect(await typeOf(named.request("https://a.test/v1/none"))).toBe("https://mj.example.com/docs/errors/unauthorized");
});

test("a problem of the stream function links to the API that the signed query names", async () => {
  const streams = createStreamApp({ ...deps, apiUrl: undefined, apiUrlFrom: "query" });
  const api = "https://api.test";
  const signature = deps.mediaLinks(api).baseSignature;
  const at = (query: Record<string, string>) =>
    typeOf(streams.request(`https://stream.test/v1/flows/x/events?${new URLSearchParams(query)}`));
  expect(await at({ api, s: signature })).toBe("https://api.test/docs/errors/unauthorized");
  expect(await at({ api: "https://forged.test", s: signature })).toBe("https://stream.test/docs/errors/unauthorized");
});

test("a page of a code that does not exist is not found", async () => {
  const response = await app.request("/docs/errors/constructor");
  expect(response.status).toBe(404);
  expect(await typeOf(response)).toContain(new MjflowError("not_found").code);
});
