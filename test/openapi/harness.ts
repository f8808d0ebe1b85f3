/** A test harness with one resource of each kind, and a valid request for each route. */
import { submitMessage } from "@mjflow/core/message";
import type { RouteDescription, RouteName } from "../../functions/http/openapi/route-description.ts";
import { type ApiClient, createApiClient, FLOW, type Json, OPERATOR } from "../app/api-client.ts";
import { checked, type Seen } from "./checked.ts";

export interface Request {
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export type OpenApiHarness = Awaited<ReturnType<typeof createOpenApiHarness>>;

export async function createOpenApiHarness(seen: Seen = new Set()) {
  const api = createApiClient();
  const { harness } = api;
  const app = checked(api.app, seen);
  const { id: appId, key, keyId } = await api.join("shop");
  const call = (method: string, path: string, body?: unknown) => api.call(key, method, path, body);

  await call("PUT", "/v1/templates/upscales", { description: "all four", then: [{ press: ["U1", "U2"] }] });
  const endpoint = (await call("POST", "/v1/endpoints", { url: "https://shop.test/hook" })).body.id as string;
  const flow = (await call("POST", "/v1/flows", { ...FLOW, archive: true, state: "order 7" })).body.id as string;
  await harness.finishAll();
  const root = `${flow.replace("flow_", "task_")}_0`;
  const delivery = (await call("GET", "/v1/deliveries")).body.data[0].id as string;
  await harness.deps.store.saveNewDeadLetter(DEAD_LETTER);
  const number = (await call("POST", "/mj/submit/imagine", { prompt: "a boat" })).body.result as string;
  await harness.finishAll();
  harness.vendor.next((one) => ({ kind: "modal", vendorTaskId: one.id }));
  const open = (await call("POST", `/v1/tasks/${root}/actions`, { press: "V1" })).body.id as string;
  await harness.drain();
  harness.vendor.next(({ id }) => {
    harness.vendor.finished.add(id);
    return { kind: "refused", failure: { code: "vendor_refused", message: "no" } };
  });
  const failed = (await call("POST", "/v1/flows", FLOW)).body.id as string;
  await harness.drain();
  const waiting = (await call("POST", "/v1/flows", FLOW)).body.id as string;
  const replay = (await call("POST", `/v1/endpoints/${endpoint}/replay`, { only: "all" })).body.id as string;
  const { buttons } = (await call("GET", `/mj/task/${number}/fetch`)).body;
  const upload = (await call("POST", "/v1/uploads", { contentType: "image/png", bytes: 9 })).body.id as string;
  const [copy] = (await call("GET", `/v1/tasks/${root}`)).body.copies;
  const folder = (await call("POST", "/v1/folders", { name: "Posters" })).body.id as string;
  await call("PATCH", "/v1/pictures", { pictures: [`${root}.3`], favorite: true, addToFolder: folder });
  const session = (await call("POST", "/v1/sessions", { label: "laptop" })).body.id as string;
  const share = (await call("POST", `/v1/flows/${flow}/shares`, { label: "customer" })).body;
  const links = {
    signIn: (await call("POST", "/v1/sign-in-links", {})).body.token as string,
    share: share.token as string,
  };

  return {
    api,
    harness,
    seen,
    key,
    appId,
    keyId,
    endpoint,
    flow,
    root,
    open,
    failed,
    waiting,
    delivery,
    replay,
    session,
    folder,
    share: share.id as string,
    links,
    number,
    customId: buttons[0].customId as string,
    media: new URL(copy.url),
    /** Link to an upload, as vendors get it. */
    uploadLink: harness.deps.mediaLinks("").uploadUrl(`uploads/${appId}/${upload}`, "png"),
    /** Sends a request and checks the response against its route. @param on the HTTP app; default: the harness's own */
    async ask(
      as: string | undefined,
      method: string,
      { path, body, headers }: Request,
      on: ApiClient["app"] = api.app,
    ) {
      const authorization: Record<string, string> = as === undefined ? { authorization: "" } : {};
      const at = on === api.app ? app : checked(on, seen);
      return api.call(as ?? "", method, path, body, { ...authorization, ...headers }, at as unknown as typeof api.app);
    },
    /** Returns a key of a disabled app. @param kind of the link, for a route that needs the secret of a link */
    async disabled(kind?: string): Promise<string> {
      const other = await api.join("closed");
      const link = kind === "signIn" && (await api.call(other.key, "POST", "/v1/sign-in-links", {})).body.token;
      await api.call(OPERATOR, "PATCH", `/v1/apps/${other.id}`, { disabled: true });
      return link || other.key;
    },
  };
}

export const DEAD_LETTER = {
  id: "000001_letter",
  rev: 0,
  state: "kept" as const,
  body: JSON.stringify(submitMessage("flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD", "0")),
  why: "unknown version 2",
  receives: 5,
  createdAt: Date.UTC(2026, 10, 21),
};

export const IMAGE = "data:image/png;base64,iVBORw0KGgo=";
const VENDOR = { baseUrl: "https://vendor.test", apiKey: "sk-of-a-test", weight: 2 };

/** A request that succeeds, for each route. */
export const REQUESTS: Record<RouteName, (harness: OpenApiHarness) => Request> = {
  "POST /v1/flows": () => ({ path: "/v1/flows", body: { ...FLOW, archive: "later", then: [{ press: "U1" }] } }),
  "GET /v1/flows": () => ({ path: "/v1/flows?limit=2" }),
  "GET /v1/flows/:id": ({ flow }) => ({ path: `/v1/flows/${flow}` }),
  "GET /v1/flows/:id/events": ({ flow }) => ({ path: `/v1/flows/${flow}/events` }),
  "POST /v1/flows/:id/cancel": ({ waiting }) => ({ path: `/v1/flows/${waiting}/cancel` }),
  "POST /v1/flows/:id/resume": ({ failed }) => ({ path: `/v1/flows/${failed}/resume` }),
  "POST /v1/flows/:id/rerun": ({ flow }) => ({ path: `/v1/flows/${flow}/rerun`, body: { prompt: "at night" } }),
  "GET /v1/templates": () => ({ path: "/v1/templates" }),
  "GET /v1/templates/:name": () => ({ path: "/v1/templates/upscales" }),
  "PUT /v1/templates/:name": () => ({ path: "/v1/templates/upscales", body: { then: [{ press: "upscale:all" }] } }),
  "DELETE /v1/templates/:name": () => ({ path: "/v1/templates/upscales" }),
  "GET /v1/tasks/:id": ({ root }) => ({ path: `/v1/tasks/${root}` }),
  "GET /v1/tasks/:id/raw": ({ root }) => ({ path: `/v1/tasks/${root}/raw` }),
  "POST /v1/tasks/:id/actions": ({ root }) => ({ path: `/v1/tasks/${root}/actions`, body: { press: "U2" } }),
  "POST /v1/tasks/:id/modal": ({ open }) => ({ path: `/v1/tasks/${open}/modal`, body: { prompt: "a lake" } }),
  "POST /v1/tasks/:id/retry": ({ failed }) => ({ path: `/v1/tasks/${failed.replace("flow_", "task_")}_0/retry` }),
  "GET /v1/pictures": ({ flow }) => ({ path: `/v1/pictures?limit=2&flow=${flow}` }),
  "PATCH /v1/pictures": ({ root, folder }) => ({
    path: "/v1/pictures",
    body: { pictures: [`${root}.2`], favorite: true, addToFolder: folder },
  }),
  "PUT /v1/pictures/:id/favorite": ({ root }) => ({ path: `/v1/pictures/${root}.1/favorite` }),
  "DELETE /v1/pictures/:id/favorite": ({ root }) => ({ path: `/v1/pictures/${root}.1/favorite` }),
  "GET /v1/folders": () => ({ path: "/v1/folders" }),
  "POST /v1/folders": () => ({ path: "/v1/folders", body: { name: "Cards" } }),
  "PATCH /v1/folders/:id": ({ folder }) => ({ path: `/v1/folders/${folder}`, body: { name: "Zines" } }),
  "DELETE /v1/folders/:id": ({ folder }) => ({ path: `/v1/folders/${folder}` }),
  "DELETE /v1/flows/:id": ({ failed }) => ({ path: `/v1/flows/${failed}` }),
  "POST /v1/uploads": () => ({ path: "/v1/uploads", body: { contentType: "image/png", bytes: 40_000_000 } }),
  "GET /v1/providers": () => ({ path: "/v1/providers" }),
  "POST /v1/endpoints": () => ({ path: "/v1/endpoints", body: { url: "https://shop.test/other" } }),
  "GET /v1/endpoints": () => ({ path: "/v1/endpoints" }),
  "GET /v1/endpoints/:id": ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}` }),
  "PATCH /v1/endpoints/:id": ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}`, body: { enabled: false } }),
  "DELETE /v1/endpoints/:id": ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}` }),
  "POST /v1/endpoints/:id/test": ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}/test` }),
  "POST /v1/endpoints/:id/rotate": ({ endpoint }) => ({ path: `/v1/endpoints/${endpoint}/rotate`, body: {} }),
  "POST /v1/endpoints/:id/replay": ({ endpoint }) => ({
    path: `/v1/endpoints/${endpoint}/replay`,
    body: { only: "all", since: "2026-01-01T00:00:00Z" },
  }),
  "GET /v1/replays": () => ({ path: "/v1/replays" }),
  "GET /v1/replays/:id": ({ replay }) => ({ path: `/v1/replays/${replay}` }),
  "POST /v1/replays/:id/cancel": ({ replay }) => ({ path: `/v1/replays/${replay}/cancel` }),
  "GET /v1/deliveries": () => ({ path: "/v1/deliveries?status=delivered" }),
  "GET /v1/deliveries/:id": ({ delivery }) => ({ path: `/v1/deliveries/${delivery}` }),
  "POST /v1/deliveries/:id/replay": ({ delivery }) => ({ path: `/v1/deliveries/${delivery}/replay` }),
  "POST /v1/sessions": () => ({ path: "/v1/sessions", body: { label: "office laptop" } }),
  "GET /v1/sessions": () => ({ path: "/v1/sessions" }),
  "DELETE /v1/sessions/:id": ({ session }) => ({ path: `/v1/sessions/${session}` }),
  "GET /v1/session": () => ({ path: "/v1/session" }),
  "POST /v1/sign-in-links": () => ({ path: "/v1/sign-in-links", body: {} }),
  "POST /v1/sign-in": () => ({ path: "/v1/sign-in", body: {} }),
  "POST /v1/flows/:id/shares": ({ flow }) => ({ path: `/v1/flows/${flow}/shares`, body: { showsPrompt: false } }),
  "GET /v1/flows/:id/shares": ({ flow }) => ({ path: `/v1/flows/${flow}/shares` }),
  "DELETE /v1/flows/:id/shares/:shareId": ({ flow, share }) => ({ path: `/v1/flows/${flow}/shares/${share}` }),
  "GET /v1/shared": () => ({ path: "/v1/shared" }),
  "GET /v1/usage": () => ({ path: "/v1/usage" }),
  "POST /v1/apps": () => ({
    path: "/v1/apps",
    body: { name: "another", limits: { flowsPerMinute: 5 }, archive: "later" },
  }),
  "GET /v1/apps": () => ({ path: "/v1/apps?limit=1" }),
  "GET /v1/apps/:id": ({ appId }) => ({ path: `/v1/apps/${appId}` }),
  "PATCH /v1/apps/:id": ({ appId }) => ({ path: `/v1/apps/${appId}`, body: { name: "renamed", limits: null } }),
  "DELETE /v1/apps/:id": ({ appId }) => ({ path: `/v1/apps/${appId}` }),
  "POST /v1/apps/:id/credits": ({ appId }) => ({
    path: `/v1/apps/${appId}/credits`,
    body: { addUsd: 5, reference: "invoice 1" },
  }),
  "POST /v1/apps/:id/keys": ({ appId }) => ({ path: `/v1/apps/${appId}/keys`, body: { expiresInS: 3_600 } }),
  "GET /v1/apps/:id/keys": ({ appId }) => ({ path: `/v1/apps/${appId}/keys` }),
  "POST /v1/apps/:id/keys/:keyId/rotate": ({ appId, keyId }) => ({
    path: `/v1/apps/${appId}/keys/${keyId}/rotate`,
    body: { overlapS: 60 },
  }),
  "DELETE /v1/apps/:id/keys/:keyId": ({ appId, keyId }) => ({ path: `/v1/apps/${appId}/keys/${keyId}` }),
  "POST /v1/providers/:id/accounts/:name": () => ({ path: "/v1/providers/fake/accounts/second", body: VENDOR }),
  "PATCH /v1/providers/:id/accounts/:name": () => ({
    path: "/v1/providers/fake/accounts/default",
    body: { weight: 0 },
  }),
  "DELETE /v1/providers/:id/accounts/:name": () => ({ path: "/v1/providers/fake/accounts/third" }),
  "POST /v1/providers/:id/accounts/:name/test": () => ({ path: "/v1/providers/fake/accounts/default/test" }),
  "GET /v1/banned-words": () => ({ path: "/v1/banned-words" }),
  "PUT /v1/banned-words": () => ({ path: "/v1/banned-words", body: { words: ["blue movie"] } }),
  "GET /v1/dead-letters": () => ({ path: "/v1/dead-letters" }),
  "POST /v1/dead-letters/:id/redrive": () => ({ path: `/v1/dead-letters/${DEAD_LETTER.id}/redrive` }),
  "DELETE /v1/dead-letters/:id": () => ({ path: `/v1/dead-letters/${DEAD_LETTER.id}` }),
  "GET /v1/queues": () => ({ path: "/v1/queues" }),
  "POST /v1/vault/reseal": () => ({ path: "/v1/vault/reseal?limit=5" }),
  "GET /v1/overdue": () => ({ path: "/v1/overdue" }),
  "GET /v1/unclear": () => ({ path: "/v1/unclear" }),
  "GET /": () => ({ path: "/" }),
  "GET /healthz": () => ({ path: "/healthz" }),
  "GET /openapi.json": () => ({ path: "/openapi.json" }),
  "GET /docs": () => ({ path: "/docs" }),
  "GET /docs/api": () => ({ path: "/docs/api" }),
  "GET /docs/errors/:code": () => ({ path: "/docs/errors/not_found" }),
  "GET /llms.txt": () => ({ path: "/llms.txt" }),
  "GET /uploads/:app/:id/:file": ({ uploadLink }) => ({ path: uploadLink }),
  "GET /media/:key{.+}": ({ media }) => ({ path: `${media.pathname}${media.search}` }),
  "POST /mj/submit/imagine": () => ({ path: "/mj/submit/imagine", body: { prompt: "a boat", state: "order 8" } }),
  "POST /mj/submit/blend": () => ({ path: "/mj/submit/blend", body: { base64Array: [IMAGE, IMAGE] } }),
  "POST /mj/submit/describe": () => ({ path: "/mj/submit/describe", body: { base64: IMAGE } }),
  "POST /mj/submit/shorten": () => ({ path: "/mj/submit/shorten", body: { prompt: "a very small boat" } }),
  "POST /mj/insight-face/swap": () => ({
    path: "/mj/insight-face/swap",
    body: { sourceBase64: IMAGE, targetUrl: "https://shop.test/a.png" },
  }),
  "POST /mj/submit/action": ({ number, customId }) => ({
    path: "/mj/submit/action",
    body: { taskId: number, customId },
  }),
  "POST /mj/submit/change": ({ number }) => ({
    path: "/mj/submit/change",
    body: { taskId: Number(number), action: "VARIATION", index: 2 },
  }),
  "POST /mj/submit/simple-change": ({ number }) => ({
    path: "/mj/submit/simple-change",
    body: { content: `${number} R` },
  }),
  "POST /mj/submit/modal": ({ open }) => ({ path: "/mj/submit/modal", body: { taskId: open, prompt: "a lake" } }),
  "POST /mj/submit/upload-discord-images": () => ({
    path: "/mj/submit/upload-discord-images",
    body: { base64Array: [IMAGE] },
  }),
  "POST /mj/submit/video": () => ({ path: "/mj/submit/video", body: { image: "https://x.test/a.png" } }),
  "POST /mj/submit/edits": () => ({ path: "/mj/submit/edits", body: { image: "https://x.test/a.png", prompt: "x" } }),
  "POST /mj/submit/edit": () => ({ path: "/mj/submit/edit", body: { image: "https://x.test/a.png", prompt: "x" } }),
  "POST /mj/submit/retexture": () => ({
    path: "/mj/submit/retexture",
    body: { image: "https://x.test/a.png", prompt: "x" },
  }),
  "GET /mj/task/:id/fetch": ({ number }) => ({ path: `/mj/task/${number}/fetch` }),
  "GET /mj/query/task/:id": ({ root }) => ({ path: `/mj/query/task/${root}` }),
  "POST /mj/task/list-by-condition": ({ number, root }) => ({
    path: "/mj/task/list-by-condition",
    body: { ids: [number, root, "unknown"] },
  }),
  "POST /mj/task/list-by-ids": ({ number }) => ({ path: "/mj/task/list-by-ids", body: { ids: [Number(number)] } }),
  "GET /mj/task/list": () => ({ path: "/mj/task/list" }),
  "GET /mj/task/queue": () => ({ path: "/mj/task/queue" }),
  "GET /mj/task/:id/image-seed": ({ number }) => ({ path: `/mj/task/${number}/image-seed` }),
  "POST /mj/task/:id/cancel": ({ number }) => ({ path: `/mj/task/${number}/cancel`, body: {} }),
  "GET /mj/account/list": () => ({ path: "/mj/account/list" }),
  "GET /mj/account/:id/fetch": () => ({ path: "/mj/account/unknown/fetch" }),
  "GET /mj/image/:id": ({ number }) => ({ path: `/mj/image/${number}` }),
};

/** Returns the key that a route needs; undefined if it needs none. */
export function keyFor({ key }: Pick<RouteDescription, "key">, harness: OpenApiHarness): string | undefined {
  if (key === "operator") return OPERATOR;
  if (key === "none") return undefined;
  return key === "signIn" || key === "share" ? harness.links[key] : harness.key;
}

/** Requests that create what a route needs to succeed. */
export const SEED_REQUESTS: Partial<Record<RouteName, (harness: OpenApiHarness) => Promise<unknown>>> = {
  "DELETE /v1/providers/:id/accounts/:name": ({ api }) =>
    api.call(OPERATOR, "POST", "/v1/providers/fake/accounts/third", VENDOR),
};

/** The same request with ids that do not exist. */
export function unknown({ path, body, ...request }: Request): Request {
  const folder = "folder_01AAAAAAAAAAAAAAAAAAAAAAAA";
  const named = body !== undefined && {
    body: "addToFolder" in (body as object) ? { ...body, addToFolder: folder } : body,
  };
  const nothing = path
    .replace(/[0-9A-HJKMNP-TV-Z]{26}/g, "01AAAAAAAAAAAAAAAAAAAAAAAA")
    .replace(/\d{16}/, "1000000000000000")
    .replace(DEAD_LETTER.id, "nothing")
    .replace(/sessions\/\w+/, "sessions/AAAAAAAA")
    .replace("/templates/upscales", "/templates/nothing")
    .replace("/providers/fake", "/providers/nobody")
    .replace(/^\/media\/.*/, "/media/nothing.png?s=x")
    .replace("/docs/errors/not_found", "/docs/errors/nothing");
  return { path: nothing, ...named, ...request };
}

export type { Json };
