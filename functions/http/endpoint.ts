/** `/v1/endpoints`: the webhook endpoints of an app. A signing secret is shown once, when it is created. */
import { FLOW_HOOK_LISTENER } from "@mjflow/core/delivery";
import type { Endpoint } from "@mjflow/core/endpoint";
import { isEnabled, subscribedEvents } from "@mjflow/core/endpoint";
import { endpointBreakerState } from "@mjflow/core/endpoint-breaker";
import { EndpointPatch, EndpointRequest, ReplayRequest, RotateRequest } from "@mjflow/core/request";
import { isoOf } from "@mjflow/engine/date";
import {
  createEndpoint,
  deleteEndpoint,
  type EndpointWithSecret,
  ensureFlowHookEndpoint,
  getEndpoint,
  rotateSecret,
  updateEndpoint,
} from "@mjflow/engine/endpoint";
import { countParked, type ParkedCount } from "@mjflow/engine/parked";
import { startReplay } from "@mjflow/engine/replay";
import { sendTestEvent, type TestEventResult } from "@mjflow/engine/test-event";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, checkCallbackUrl } from "./env.ts";
import { replayView } from "./replay.ts";

export const endpoints = new Hono<AppEnv>()
  .post("/", async (c) => {
    const request = await readBody(c, EndpointRequest);
    checkCallbackUrl(c, "url", request.url);
    const created = await createEndpoint(c.get("deps"), c.get("appId"), request);
    c.get("deps").subscriptions.forget(c.get("appId"));
    return c.json(secretView(c, created, undefined), 201, { Location: `/v1/endpoints/${created.endpoint.id}` });
  })
  .get("/", async (c) => {
    await ensureFlowHookEndpoint(c.get("deps"), c.get("appId"));
    const all = await c.get("deps").webhookStore.endpoints(c.get("appId"));
    const data = await Promise.all(all.map((endpoint) => countedView(c, endpoint)));
    return c.json({ data, nextCursor: null });
  })
  .get("/:id", async (c) => {
    // The endpoint `hook`, which signs the webhooks to `notifyHook` URLs, is created when it is first read.
    if (c.req.param("id") === FLOW_HOOK_LISTENER) await ensureFlowHookEndpoint(c.get("deps"), c.get("appId"));
    return c.json(await countedView(c, await getEndpoint(c.get("deps"), c.get("appId"), c.req.param("id"))));
  })
  .patch("/:id", async (c) => {
    const patch = await readBody(c, EndpointPatch);
    checkCallbackUrl(c, "url", patch.url);
    const updated = await updateEndpoint(c.get("deps"), c.get("appId"), c.req.param("id"), patch);
    c.get("deps").subscriptions.forget(c.get("appId"));
    return c.json(await countedView(c, updated));
  })
  .delete("/:id", async (c) => {
    await deleteEndpoint(c.get("deps"), c.get("appId"), c.req.param("id"));
    c.get("deps").subscriptions.forget(c.get("appId"));
    return c.body(null, 204);
  })
  .post("/:id/rotate", async (c) => {
    const { overlapS } = await readBody(c, RotateRequest);
    const id = c.req.param("id");
    if (id === FLOW_HOOK_LISTENER) await ensureFlowHookEndpoint(c.get("deps"), c.get("appId"));
    const overlapMs = overlapS === undefined ? undefined : overlapS * 1_000;
    // The count comes first. Only this response has the secret, so nothing may fail after the rotation.
    const parked = await countParked(c.get("deps"), await getEndpoint(c.get("deps"), c.get("appId"), id));
    return c.json(secretView(c, await rotateSecret(c.get("deps"), c.get("appId"), id, overlapMs), parked));
  })
  .post("/:id/test", async (c) =>
    c.json(testEventView(await sendTestEvent(c.get("deps"), c.get("appId"), c.req.param("id")))),
  )
  .post("/:id/replay", async (c) => {
    const { since, until, only = "failed" } = await readBody(c, ReplayRequest);
    const fields = { listener: c.req.param("id"), since: msOf(since), until: msOf(until), only };
    const replay = await startReplay(c.get("deps"), c.get("appId"), fields);
    return c.json(replayView(replay), 202, { Location: `/v1/replays/${replay.id}` });
  });

function testEventView({ delivered, at, outcome }: TestEventResult): {
  delivered: boolean;
  at: string;
  status?: number;
  why?: string;
  tookMs?: number;
} {
  const attempt = { delivered, at: new Date(at).toISOString() };
  if (outcome.kind !== "answered") return { ...attempt, why: outcome.why };
  return { ...attempt, status: outcome.status, tookMs: outcome.tookMs };
}

function msOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}

function secretView(c: Context<AppEnv>, { endpoint, secret }: EndpointWithSecret, parked: ParkedCount | undefined) {
  return { ...endpointView(c, endpoint, parked), ...(secret !== undefined && { secret }) };
}

async function countedView(c: Context<AppEnv>, endpoint: Endpoint) {
  return endpointView(c, endpoint, await countParked(c.get("deps"), endpoint));
}

/** An endpoint without its secrets, encrypted or not. */
function endpointView(c: Context<AppEnv>, endpoint: Endpoint, parked: ParkedCount | undefined) {
  const now = c.get("deps").clock.now();
  const { id, url, scheme, publicKey, description, disabledAt, disabledWhy, failingSince, createdAt, secrets } =
    endpoint;
  const isPaused = isEnabled(endpoint) && endpointBreakerState(endpoint, now) === "open";
  return {
    id,
    url: url ?? null,
    events: subscribedEvents(endpoint),
    scheme,
    publicKey: publicKey ?? null,
    description: description ?? null,
    enabled: disabledAt === undefined,
    disabledAt: isoOf(disabledAt),
    disabledWhy: disabledWhy ?? null,
    failingSince: isoOf(failingSince),
    pausedUntil: isPaused ? isoOf(endpoint.openUntil) : null,
    parked: parked ? { count: parked.count, whole: parked.isWhole, since: isoOf(parked.since) } : null,
    recovery: endpoint.recovery ?? null,
    /** For each older secret that still signs, the time when it stops. */
    earlierSecretsUntil: secrets.slice(1).map(({ until }) => isoOf(until)),
    createdAt: isoOf(createdAt),
  };
}
