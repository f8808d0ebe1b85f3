/**
 * D6 for every route: the key of another app reads nothing of an app's data and changes nothing of it. The routes are
 *    read from the HTTP app, so a new route is tested automatically.
 */
import { expect, test } from "vitest";
import { MJ_PREFIXES } from "../../functions/http/mj-compat/path.ts";
import { MJ_ROUTES } from "../../functions/http/mj-compat/routes.ts";
import { DESCRIBED } from "../openapi/routes.ts";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

/** Creates one app with one resource of each kind and returns their ids. */
async function createOwner(api: ApiClient) {
  const { id: appId, key, keyId } = await api.join("household");
  const call = (method: string, path: string, body?: unknown) => api.call(key, method, path, body);
  const endpoint = (await call("POST", "/v1/endpoints", { url: "https://household.test/hook" })).body.id;
  const flow = (await call("POST", "/v1/flows", { ...FLOW, state: "a household's secret" })).body;
  await api.harness.finishAll();
  const root = `${flow.id.replace("flow_", "task_")}_0`;
  api.harness.vendor.next((c) => ({ kind: "modal", vendorTaskId: c.id }));
  const open = (await call("POST", `/v1/tasks/${root}/actions`, { press: "V1" })).body.id;
  await api.harness.drain();
  expect((await call("GET", `/v1/tasks/${open}`)).body).toMatchObject({ status: "MODAL" });
  await api.harness.deps.store.saveNewDeadLetter({
    id: "000001_letter",
    rev: 0,
    state: "kept",
    body: "{",
    why: "not JSON",
    receives: 5,
    createdAt: api.harness.deps.clock.now(),
  });
  const template = { description: "a household's secret", then: [{ press: "U1" }] };
  await call("PUT", "/v1/templates/secret-plan", template);
  const compatId = (await call("POST", "/mj/submit/imagine", { prompt: "a boat" })).body.result as string;
  await api.harness.finishAll();
  const [button] = (await call("GET", `/mj/task/${compatId}/fetch`)).body.buttons;
  const delivery = (await call("GET", "/v1/deliveries")).body.data[0].id;
  const replay = (await call("POST", `/v1/endpoints/${endpoint}/replay`, {})).body.id;
  const folder = (await call("POST", "/v1/folders", { name: "a household's secret" })).body.id;
  await call("PATCH", "/v1/pictures", { pictures: [`${root}.2`], favorite: true, addToFolder: folder });
  const session = (await call("POST", "/v1/sessions", { label: "a household's secret" })).body.id;
  const share = (await call("POST", `/v1/flows/${flow.id}/shares`, { label: "a household's secret" })).body;
  await api.harness.finishAll();
  const ids = {
    endpoint,
    delivery,
    replay,
    session,
    folder,
    share: share.id as string,
    shareToken: share.token as string,
  };
  return { appId, keyId, key, flow: flow.id as string, root, open, ...ids, compatId, button };
}

type Owner = Awaited<ReturnType<typeof createOwner>>;

function isMjCompat(path: string): boolean {
  return MJ_PREFIXES.some((prefix) => path.startsWith(`${prefix}/`));
}

/**
 * Returns the id for the parameter of a route. A route with an unknown parameter fails the test until it is added here.
 */
function idFor(
  path: string,
  { appId, flow, root, open, endpoint, delivery, replay, session, folder, compatId }: Owner,
): string | undefined {
  if (isMjCompat(path)) return compatId;
  if (path === "/v1/templates/:name") return "";
  if (path.startsWith("/v1/flows/:id")) return flow;
  if (path === "/v1/tasks/:id/modal") return open;
  if (path.startsWith("/v1/tasks/:id")) return root;
  if (path.startsWith("/v1/pictures/:id")) return `${root}.2`;
  if (path.startsWith("/v1/folders/:id")) return folder;
  if (path.startsWith("/v1/apps/:id")) return appId;
  if (path.startsWith("/v1/endpoints/:id")) return endpoint;
  if (path.startsWith("/v1/deliveries/:id")) return delivery;
  if (path.startsWith("/v1/replays/:id")) return replay;
  if (path.startsWith("/v1/sessions/:id")) return session;
  if (path.startsWith("/v1/dead-letters/:id")) return "000001_letter";
  if (path.startsWith("/v1/providers/:id")) return "fake";
  return undefined;
}

/** Returns a body that the route accepts from the owner, so that only the key is wrong. */
function bodyFor(method: string, path: string): unknown {
  if (method === "GET" || method === "DELETE") return undefined;
  if (isMjCompat(path)) return mjCompatBody(path);
  if (path === "/v1/tasks/:id/actions") return { press: "U1" };
  if (path === "/v1/tasks/:id/modal") return { prompt: "mine now" };
  if (path === "/v1/flows") return FLOW;
  if (path === "/v1/templates/:name") return { then: [{ press: "V1" }] };
  if (path === "/v1/pictures") return { pictures: [`${owner.root}.2`], favorite: false };
  if (path.startsWith("/v1/folders")) return { name: "mine now" };
  if (path.endsWith("/credits")) return { addUsd: 1, reference: "x" };
  if (path === "/v1/endpoints") return { url: "https://stranger.test/hook" };
  if (path === "/v1/apps" || path === "/v1/apps/:id") return { name: "mine now" };
  return {};
}

function mjCompatBody(path: string): unknown {
  const { compatId: taskId, button } = owner;
  if (path.endsWith("/submit/action")) return { taskId, customId: button.customId };
  if (path.endsWith("/submit/change")) return { taskId, action: "UPSCALE", index: 1 };
  if (path.endsWith("/submit/simple-change")) return { content: `${taskId} U1` };
  if (path.endsWith("/submit/modal")) return { taskId, prompt: "mine now" };
  if (/\/task\/list-by-/.test(path)) return { ids: [taskId] };
  return { prompt: "a boat of the stranger's" };
}

const PUBLIC_ROUTES = ["/", "/healthz", "/docs", "/docs/api", "/docs/errors/:code", "/openapi.json", "/llms.txt"];
const api = createApiClient();
const owner = await createOwner(api);
const stranger = await api.join("stranger");
const routes = [
  // Routes without a key: health check, API reference and images behind signed links.
  ...api.app.routes
    .filter(
      ({ method, path }) => method !== "ALL" && !PUBLIC_ROUTES.includes(path) && !/^\/(?:media|uploads)/.test(path),
    )
    .map(({ method, path }) => [method, path] as const),
  // The routes of the compat API.
  ...MJ_PREFIXES.flatMap((prefix) =>
    MJ_ROUTES.map((verb) => {
      const [method, path] = verb.split(" ") as [string, string];
      return [method, prefix + path.replace("{id}", ":id")] as const;
    }),
  ),
];

/** Returns all rows of the owner as text. */
function rows(): string {
  const { flows, tasks, items } = api.harness.dump();
  const own = flows.filter((flow) => flow.appId === owner.appId);
  const ids = new Set(own.map((flow) => flow.id));
  const its = items.filter((item) => JSON.stringify(item).includes(owner.appId));
  return JSON.stringify({ own, tasks: tasks.filter((task) => ids.has(task.flowId)), its });
}

test("the HTTP app has more than 15 routes to test", () => expect(routes.length).toBeGreaterThan(15));

test.each(routes)("%s %s reveals nothing to another app and lets it change nothing", async (method, path) => {
  const named = /:(?!keyId|shareId)/.test(path) ? idFor(path, owner) : "";
  expect(named, `add the parameter of ${path} to idFor in isolation.test.ts`).toBeDefined();
  // Each app has its own names, so a stranger stores a template of its own.
  const isOwnName = path === "/v1/templates/:name" && method === "PUT";
  const name = isOwnName ? "own-plan" : path.startsWith("/v1/templates") ? "secret-plan" : "default";
  const address = path
    .replace(":id", named!)
    .replace(":keyId", owner.keyId)
    .replace(":shareId", owner.share)
    .replace(":name", name);
  const [before, calls, deadLetters] = [
    rows(),
    api.harness.vendor.calls.length,
    await api.harness.deps.store.listDeadLetters(10),
  ];

  const response = await api.call(stranger.key, method, address, bodyFor(method, path));

  if (isMjCompat(path)) {
    // Vendor accounts are shown to no app.
    if (path.includes("/account/:id")) expect(response.body).toBe(null);
    else if (path.includes(":") && method === "GET") expect(response.status).toBe(404);
    else if (path.includes(":")) expect(response.body.code).toBe(3);
    // Code 3 on a submission would make new-api disable its channel.
    else if (/action|change|modal/.test(path)) expect(response.body.code).toBe(4);
  } else if (path.includes(":") && !isOwnName) {
    expect([403, 404]).toContain(response.status);
    expect(response.body.code).toBe(response.status === 403 ? "forbidden" : "not_found");
  }
  // This route says which of the sent ids are no pictures of the app.
  const isEcho = path === "/v1/pictures" && method === "PATCH";
  if (isEcho) expect(response.body).toEqual({ marked: [], missing: [`${owner.root}.2`] });
  const revealed = isEcho ? "" : response.text;
  for (const secret of [
    owner.compatId,
    "a household's secret",
    owner.flow.slice(5),
    owner.endpoint,
    owner.keyId,
    owner.key,
    owner.shareToken,
  ]) {
    expect(revealed).not.toContain(secret);
  }
  await api.harness.drain();
  expect(rows()).toBe(before);
  expect(await api.harness.deps.store.listDeadLetters(10)).toEqual(deadLetters);
  const since = api.harness.vendor.calls.slice(calls).map(({ context }) => context.state);
  for (const state of since) expect(state).not.toContain(owner.flow.slice(5));
  // The same request by the owner or the operator succeeds, so URL and body were right.
  const key = /^\/v1\/(?:apps|dead-letters|banned-words|queues|overdue|unclear)\b/.test(path)
    ? OPERATOR
    : path === "/v1/shared"
      ? owner.shareToken
      : owner.key;
  if (method === "GET" && !/seed|\/image\//.test(path)) expect((await api.call(key, method, address)).status).toBe(200);
});

/** Query parameters that name a resource, each with the id of the owner's resource. */
const NAMING: Record<string, string[]> = {
  "/v1/deliveries": [
    `flow=${owner.flow}`,
    `endpoint=${owner.endpoint}`,
    `flow=${owner.flow}&endpoint=${owner.endpoint}`,
  ],
  "/v1/flows": ["state=a%20household%27s%20secret"],
  "/v1/pictures": [
    `flow=${owner.flow}`,
    `app=${owner.appId}`,
    `folder=${owner.folder}`,
    `favorite=true&flow=${owner.flow}`,
    `favorite=true&app=${owner.appId}`,
  ],
  "/v1/usage": [`app=${owner.appId}`],
};
/** Query parameters that name no resource of an app. */
const HARMLESS = new Set([
  "limit",
  "cursor",
  "details",
  "action",
  "video",
  "since",
  "until",
  "status",
  "provider",
  "event",
]);

test("every query parameter of a route for apps that can name a resource is in this test", () => {
  const named = DESCRIBED.filter(({ query, key }) => query !== undefined && key !== "operator" && key !== "none").map(
    ({ path, query }) => {
      const parameters = Object.keys(query!.shape).filter((name) => !HARMLESS.has(name));
      const tested = (NAMING[path] ?? []).flatMap((search) => [...new URLSearchParams(search).keys()]);
      return { path, missing: parameters.filter((name) => !tested.includes(name)) };
    },
  );
  expect(named.length).toBeGreaterThan(2);
  for (const { path, missing } of named) expect(missing, `parameters of ${path} to add to NAMING`).toEqual([]);
});

test.each(Object.entries(NAMING).flatMap(([path, searches]) => searches.map((search) => [path, search] as const)))(
  "GET %s?%s reveals nothing of the owner to another app",
  async (path, search) => {
    const response = await api.call(stranger.key, "GET", `${path}?${search}`);
    const own = await api.call(owner.key, "GET", `${path}?${search}`);
    if (response.status === 200) expect(response.body.data).toEqual([]);
    else expect(response.status).toBe(404);
    for (const secret of ["household.test", owner.flow.slice(5), owner.delivery, owner.key, owner.endpoint]) {
      expect(response.text).not.toContain(secret);
    }
    // The owner sees the resource, so the parameter is right.
    expect(own.status).toBe(200);
    if (path === "/v1/deliveries") expect(own.body.data.length).toBeGreaterThan(0);
  },
);

test.each(routes)("%s %s requires a key", async (method, path) => {
  const response = await api.app.request(path, { method });
  expect(response.status).toBe(401);
});

test("routes of the operator return 403 to the key of an app, whether the resource exists or not", async () => {
  for (const path of [
    "/v1/apps",
    "/v1/dead-letters",
    "/v1/banned-words",
    "/v1/queues",
    "/v1/overdue",
    "/v1/unclear",
    `/v1/apps/${stranger.id}`,
    `/v1/apps/${stranger.id}/keys`,
  ]) {
    expect((await api.call(stranger.key, "GET", path)).body, path).toMatchObject({ status: 403, code: "forbidden" });
  }
});
