/**
 * D6, for every route there is: another app's key finds nothing of this app's, learns nothing of it and changes nothing
 * of it. Routes are read off the app itself, so that a new one cannot be forgotten here.
 */
import { expect, test } from "vitest";
import { MJ_PREFIXES, MJ_ROUTES } from "../../functions/http/mj-compat/routes.ts";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

/** What there is of one app: an id for each kind of address, by how the address begins. */
async function household(api: ApiClient) {
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
  const number = (await call("POST", "/mj/submit/imagine", { prompt: "a boat" })).body.result as string;
  await api.harness.finishAll();
  const [button] = (await call("GET", `/mj/task/${number}/fetch`)).body.buttons;
  const delivery = (await call("GET", "/v1/deliveries")).body.data[0].id;
  return { appId, keyId, key, flow: flow.id as string, root, open, endpoint, delivery, number, button };
}

type Household = Awaited<ReturnType<typeof household>>;

function isFacade(path: string): boolean {
  return MJ_PREFIXES.some((prefix) => path.startsWith(`${prefix}/`));
}

/** Which id stands in an address. A kind of address that is not here fails the test until somebody says what it names. */
function idFor(path: string, { appId, flow, root, open, endpoint, delivery, number }: Household): string | undefined {
  if (isFacade(path)) return number;
  if (path.startsWith("/v1/flows/:id")) return flow;
  if (path === "/v1/tasks/:id/modal") return open;
  if (path.startsWith("/v1/tasks/:id")) return root;
  if (path.startsWith("/v1/apps/:id")) return appId;
  if (path.startsWith("/v1/endpoints/:id")) return endpoint;
  if (path.startsWith("/v1/deliveries/:id")) return delivery;
  if (path.startsWith("/v1/dead-letters/:id")) return "000001_letter";
  if (path.startsWith("/v1/providers/:id")) return "fake";
  return undefined;
}

/** A body that the route would take from the owner, so that nothing but the owner is at fault. */
function bodyFor(method: string, path: string): unknown {
  if (method === "GET" || method === "DELETE") return undefined;
  if (isFacade(path)) return facadeBody(path);
  if (path === "/v1/tasks/:id/actions") return { press: "U1" };
  if (path === "/v1/tasks/:id/modal") return { prompt: "mine now" };
  if (path === "/v1/flows") return FLOW;
  if (path.endsWith("/credits")) return { addUsd: 1, reference: "x" };
  if (path === "/v1/endpoints") return { url: "https://stranger.test/hook" };
  if (path === "/v1/apps" || path === "/v1/apps/:id") return { name: "mine now" };
  return {};
}

function facadeBody(path: string): unknown {
  const { number: taskId, button } = mine;
  if (path.endsWith("/submit/action")) return { taskId, customId: button.customId };
  if (path.endsWith("/submit/change")) return { taskId, action: "UPSCALE", index: 1 };
  if (path.endsWith("/submit/simple-change")) return { content: `${taskId} U1` };
  if (path.endsWith("/submit/modal")) return { taskId, prompt: "mine now" };
  if (/\/task\/list-by-/.test(path)) return { ids: [taskId] };
  return { prompt: "a boat of the stranger's" };
}

const OPEN = ["/", "/healthz", "/docs", "/openapi.json", "/llms.txt"];
const api = createApiClient();
const mine = await household(api);
const stranger = await api.join("stranger");
const routes = [
  // Without a key: health, the API's description, and pictures behind signed links.
  ...api.app.routes
    .filter(({ method, path }) => method !== "ALL" && !OPEN.includes(path) && !path.startsWith("/media"))
    .map(({ method, path }) => [method, path] as const),
  // The facade's verbs are a table of its own.
  ...MJ_PREFIXES.flatMap((prefix) =>
    MJ_ROUTES.map((verb) => {
      const [method, path] = verb.split(" ") as [string, string];
      return [method, prefix + path.replace("{id}", ":id")] as const;
    }),
  ),
];

/** All rows of the household, and what its vendor was asked. */
function rows(): string {
  const { flows, tasks, items } = api.harness.dump();
  const own = flows.filter((flow) => flow.appId === mine.appId);
  const ids = new Set(own.map((flow) => flow.id));
  const its = items.filter((item) => JSON.stringify(item).includes(mine.appId));
  return JSON.stringify({ own, tasks: tasks.filter((task) => ids.has(task.flowId)), its });
}

test("there are routes to walk", () => expect(routes.length).toBeGreaterThan(15));

test.each(routes)("%s %s tells a stranger nothing and lets it change nothing", async (method, path) => {
  const named = /:(?!keyId)/.test(path) ? idFor(path, mine) : "";
  expect(named, `say in isolation.test.ts what ${path} names`).toBeDefined();
  const address = path.replace(":id", named!).replace(":keyId", mine.keyId).replace(":name", "default");
  const [before, calls, deadLetters] = [
    rows(),
    api.harness.vendor.calls.length,
    await api.harness.deps.store.listDeadLetters(10),
  ];

  const answer = await api.call(stranger.key, method, address, bodyFor(method, path));

  if (isFacade(path)) {
    if (path.includes(":") && method === "GET") expect(answer.status).toBe(404);
    else if (/:|action|change|modal/.test(path)) expect(answer.body.code).toBe(3);
  } else if (path.includes(":")) {
    expect([403, 404]).toContain(answer.status);
    expect(answer.body.code).toBe(answer.status === 403 ? "forbidden" : "not_found");
  }
  for (const secret of [mine.number, "a household's secret", mine.flow.slice(5), mine.endpoint, mine.keyId, mine.key]) {
    expect(answer.text).not.toContain(secret);
  }
  await api.harness.drain();
  expect(rows()).toBe(before);
  expect(await api.harness.deps.store.listDeadLetters(10)).toEqual(deadLetters);
  const since = api.harness.vendor.calls.slice(calls).map(({ context }) => context.state);
  for (const state of since) expect(state).not.toContain(mine.flow.slice(5));
  // The same request by its owner, or by the operator, is not refused so: the address and the body were right.
  const key = /^\/v1\/(?:apps|dead-letters|banned-words|queues|overdue|unclear)\b/.test(path) ? OPERATOR : mine.key;
  if (method === "GET" && !/seed|\/image\//.test(path)) expect((await api.call(key, method, address)).status).toBe(200);
});

test.each(routes)("%s %s asks for a key", async (method, path) => {
  const answer = await api.app.request(path, { method });
  expect(answer.status).toBe(401);
});

test("what is the operator's alone is refused to an app's key, known or not", async () => {
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
