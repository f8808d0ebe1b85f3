/** `/v1/apps`: apps, their limits and credit, and their API keys. For the operator. */
import { type App, type AppKey, keyPrefix } from "@mjflow/core/app";
import { AppPatch, AppRequest, CreditRequest, KeyRequest, RotateRequest } from "@mjflow/core/app-request";
import {
  addApp,
  addKey,
  getApp,
  listKeys,
  type NewKey,
  removeApp,
  revokeKey,
  rotateKey,
  updateApp,
} from "@mjflow/engine/app";
import { addCredit } from "@mjflow/engine/credit";
import { usageOf } from "@mjflow/engine/credit-repair";
import { isoOf } from "@mjflow/engine/date";
import { usageView } from "@mjflow/engine/usage-view";
import { Hono } from "hono";
import { readBody } from "./body.ts";
import type { AppEnv } from "./env.ts";
import { readPage } from "./page.ts";

export const apps = new Hono<AppEnv>()
  .post("/", async (c) => {
    const app = await addApp(c.get("deps"), await readBody(c, AppRequest));
    return c.json(appView(app), 201, { Location: `/v1/apps/${app.id}` });
  })
  .get("/", async (c) => {
    const { limit, cursor } = readPage(c);
    const page = await c.get("deps").store.listApps(limit, cursor);
    return c.json({ data: page.apps.map(appView), nextCursor: page.cursor ?? null });
  })
  .get("/:id", async (c) => c.json(appView(await getApp(c.get("deps"), c.req.param("id")))))
  .patch("/:id", async (c) =>
    c.json(appView(await updateApp(c.get("deps"), c.req.param("id"), await readBody(c, AppPatch)))),
  )
  .delete("/:id", async (c) => c.json(appView(await removeApp(c.get("deps"), c.req.param("id")))))
  .post("/:id/credits", async (c) => {
    const { addUsd, reference } = await readBody(c, CreditRequest);
    const [deps, app] = [c.get("deps"), await getApp(c.get("deps"), c.req.param("id"))];
    await addCredit(deps, app, addUsd, reference);
    return c.json(usageView(app.id, app.limits, await usageOf(deps, app.id, app.limits)));
  })
  .post("/:id/keys", async (c) => {
    const { expiresInS } = await readBody(c, KeyRequest);
    return c.json(newKeyView(await addKey(c.get("deps"), c.req.param("id"), expiresInS)), 201);
  })
  .get("/:id/keys", async (c) => {
    const keys = await listKeys(c.get("deps"), c.req.param("id"));
    return c.json({ data: keys.map(keyView), nextCursor: null });
  })
  .post("/:id/keys/:keyId/rotate", async (c) => {
    const { overlapS } = await readBody(c, RotateRequest);
    const { id, keyId } = c.req.param();
    const rotated = await rotateKey(c.get("deps"), id, keyId, overlapS);
    return c.json({ ...newKeyView(rotated), previous: keyView(rotated.previous) }, 201);
  })
  .delete("/:id/keys/:keyId", async (c) => {
    const { id, keyId } = c.req.param();
    return c.json(keyView(await revokeKey(c.get("deps"), id, keyId)));
  });

function appView({ id, name, limits, archive, translate = false, createdAt, disabledAt, deletedAt }: App) {
  const { flowsPerMinute = null, runningFlows = null, creditsUsd = null, counters = 1 } = limits ?? {};
  return {
    id,
    name,
    limits: { flowsPerMinute, runningFlows, creditsUsd },
    archive: archive ?? null,
    translate,
    creditCounters: counters,
    createdAt: isoOf(createdAt),
    disabledAt: isoOf(disabledAt),
    deletedAt: isoOf(deletedAt),
  };
}

function keyView({ appId, id, createdAt, usedOn, expiresAt, revokedAt }: AppKey) {
  return {
    id,
    appId,
    prefix: keyPrefix(appId, id),
    createdAt: isoOf(createdAt),
    lastUsedOn: usedOn ?? null,
    expiresAt: isoOf(expiresAt),
    revokedAt: isoOf(revokedAt),
  };
}

/** The only response that contains the API key itself. */
function newKeyView({ key, text }: NewKey) {
  return { ...keyView(key), key: text };
}
