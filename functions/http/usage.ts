/** `/v1/usage`: the usage and credit of an app, by our price estimate. The operator can read the usage of any app. */
import { UsageQuery } from "@mjflow/core/app-request";
import { MjflowError } from "@mjflow/core/error";
import { getApp } from "@mjflow/engine/app";
import { usageOf } from "@mjflow/engine/credit-repair";
import { usageView } from "@mjflow/engine/usage-view";
import { Hono } from "hono";
import type { AppEnv } from "./env.ts";
import { validate } from "./validate.ts";

export const usage = new Hono<AppEnv>().get("/", async (c) => {
  const [deps, caller] = [c.get("deps"), c.get("caller")];
  const { app = caller.appId } = validate(UsageQuery, c.req.query());
  // An app must not learn whether another app exists.
  if (app !== caller.appId && !caller.operator) throw new MjflowError("not_found");
  const limits = app === caller.appId ? caller.limits : (await getApp(deps, app)).limits;
  return c.json(usageView(app, limits, await usageOf(deps, app, limits)));
});
