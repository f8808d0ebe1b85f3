/** Templates: plans that an app stores under names, and flows that use them. */
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json } from "./api-client.ts";

let api: ApiClient;
let key: string;
beforeEach(async () => {
  api = createApiClient();
  key = (await api.join()).key;
});
const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  api.call(key, method, path, body, headers);

const THEN = [{ press: "U1", then: [{ press: "zoom:custom", prompt: "a {boat} --zoom 1.6" }] }];

describe("/v1/templates", () => {
  test("a template is stored, replaced, listed and deleted", async () => {
    const created = await call("PUT", "/v1/templates/album.v1", { description: "two steps", then: THEN });
    expect([created.status, created.headers.get("location")]).toEqual([201, "/v1/templates/album.v1"]);
    expect(created.body).toMatchObject({ name: "album.v1", description: "two steps", then: THEN });
    expect((await call("GET", "/v1/templates/album.v1")).body).toEqual(created.body);
    api.harness.advance(5_000);
    const replaced = await call("PUT", "/v1/templates/album.v1", { then: [{ press: "V1" }] });
    expect(replaced).toMatchObject({ status: 200, body: { description: null, createdAt: created.body.createdAt } });
    expect(replaced.body.updatedAt > created.body.updatedAt).toBe(true);
    await call("PUT", "/v1/templates/Zoom", { then: THEN });
    expect((await call("GET", "/v1/templates")).body.data.map(({ name }: Json) => name)).toEqual(["Zoom", "album.v1"]);
    expect((await call("DELETE", "/v1/templates/album.v1")).status).toBe(204);
    expect((await call("GET", "/v1/templates/album.v1")).status).toBe(404);
    expect((await call("DELETE", "/v1/templates/album.v1")).status).toBe(404);
  });

  test.each([
    ["a%20b", { then: THEN }, "name"],
    ["-a", { then: THEN }, "name"],
    ["x".repeat(61), { then: THEN }, "name"],
    ["ok", { then: [] }, "then"],
    ["ok", { then: [{ press: "U1" }, { press: "upscale:1" }] }, "then[1].press"],
    ["ok", { then: [{ press: "U1", prompt: "x" }] }, "then[0].prompt"],
    [
      "ok",
      {
        then: [{ press: "U1", then: [{ press: "vary:region", modal: { maskBase64: "data:image/png;base64,AAAA" } }] }],
      },
      "then[0].then[0].modal.maskBase64",
    ],
    ["ok", { then: THEN, provider: "fake" }, "provider"],
  ])("PUT %s with %j gets 400 with the field %s, and nothing is stored", async (name, body, field) => {
    expect((await call("PUT", `/v1/templates/${name}`, body)).body).toMatchObject({ status: 400, field });
    expect((await call("GET", "/v1/templates")).body.data).toEqual([]);
  });

  test("two requests that store one template at the same time both succeed", async () => {
    const both = await Promise.all([1, 2].map((n) => call("PUT", "/v1/templates/t", { then: [{ press: `U${n}` }] })));
    expect(both.every(({ status }) => status < 300)).toBe(true);
  });
});

describe("a flow with a template", () => {
  test("gets the plan of the template and runs it; a later change does not change the flow", async () => {
    await call("PUT", "/v1/templates/album", { then: THEN });
    const { status, body } = await call("POST", "/v1/flows", { ...FLOW, template: "album" });
    expect([status, body.template]).toEqual([202, "album"]);
    await call("PUT", "/v1/templates/album", { then: [{ press: "V4" }] });
    await call("DELETE", "/v1/templates/album");
    await api.harness.finishAll();
    const read = (await call("GET", `/v1/flows/${body.id}`)).body;
    expect(read.tasks.map(({ press }: Json) => press)).toEqual([null, "U1", "zoom:custom"]);
    expect((await call("GET", "/v1/flows")).body.data[0].template).toBe("album");
  });

  test("its credit covers the whole plan of the template", async () => {
    const { key: poor } = await api.join("poor", { creditsUsd: 0.06 });
    await api.call(poor, "PUT", "/v1/templates/dear", { then: [{ press: "variation:all" }] });
    const { body } = await api.call(poor, "POST", "/v1/flows", { ...FLOW, template: "dear" });
    expect(body).toMatchObject({ code: "out_of_credit", estimatedUsd: 0.2 });
  });

  test("an unknown template gets 400 with the name that was probably meant, and nothing of another app", async () => {
    await call("PUT", "/v1/templates/album", { then: THEN });
    const { body } = await call("POST", "/v1/flows", { ...FLOW, template: "albun" });
    expect(body).toMatchObject({ status: 400, field: "template" });
    expect(body.detail).toContain('Did you mean "album"?');
    const stranger = await api.join("stranger");
    for (const template of ["album", "albun", "a/b"]) {
      const response = await api.call(stranger.key, "POST", "/v1/flows", { ...FLOW, template });
      expect(response.status).toBe(400);
      expect(response.text).not.toContain("Did you mean");
    }
  });

  test("a template and a plan of its own exclude each other", async () => {
    await call("PUT", "/v1/templates/album", { then: THEN });
    const { body } = await call("POST", "/v1/flows", { ...FLOW, template: "album", then: THEN });
    expect(body).toMatchObject({ status: 400, field: "template" });
  });

  test("a repeated key returns the same flow, also if the template is gone", async () => {
    await call("PUT", "/v1/templates/album", { then: THEN });
    const request = { ...FLOW, template: "album" };
    const keyed = { "idempotency-key": "k" };
    const { body } = await call("POST", "/v1/flows", request, keyed);
    await call("DELETE", "/v1/templates/album");
    expect((await call("POST", "/v1/flows", request, keyed)).body.id).toBe(body.id);
  });

  test("all flows of a batch can use it", async () => {
    await call("PUT", "/v1/templates/album", { then: [{ press: "U1" }] });
    const batch = [{ prompt: "a" }, { prompt: "b" }, { prompt: "c", template: "none" }];
    const { body } = await call("POST", "/v1/flows", { provider: "fake", template: "album", batch });
    expect(body).toMatchObject({ created: 2, failed: 1, estimatedUsd: 0.1 });
    expect(body.data[2].error).toMatchObject({ code: "invalid_request", field: "template" });
  });

  test("a banned word in the template stops the flow", async () => {
    await call("PUT", "/v1/templates/bad", { then: [{ press: "V1", prompt: "a blue movie" }] });
    await api.call("mjk_operator_of_the_stage", "PUT", "/v1/banned-words", { words: ["blue movie"] });
    const { body } = await call("POST", "/v1/flows", { ...FLOW, template: "bad" });
    expect(body).toMatchObject({ code: "banned_prompt", field: "then[0].prompt" });
  });
});
