/** `/v1/flows`: send a plan once, read how far it is. */
import { MjflowError } from "@mjflow/core/error";
import { isFlowId } from "@mjflow/core/id";
import { FlowListQuery, FlowRequest } from "@mjflow/core/request";
import { createFlow } from "@mjflow/engine/create";
import { flowSummary, flowView } from "@mjflow/engine/view";
import { Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, mediaUrlOf } from "./env.ts";
import { invalid } from "./problem.ts";

export const flows = new Hono<AppEnv>()
  .post("/", async (c) => {
    const request = await readBody(c, FlowRequest);
    const deps = c.get("deps");
    const { flow, tasks } = await createFlow(deps, c.get("appId"), request, deps);
    return c.json(flowView(flow, tasks, mediaUrlOf(c)), 202, { Location: `/v1/flows/${flow.id}` });
  })
  .get("/", async (c) => {
    const query = FlowListQuery.safeParse(c.req.query());
    if (!query.success) throw invalid(query.error.issues);
    const { limit, cursor } = query.data;
    const page = await c.get("deps").store.listFlows(c.get("appId"), limit, cursor);
    return c.json({ data: page.flows.map(flowSummary), nextCursor: page.cursor ?? null });
  })
  .get("/:id", async (c) => {
    const id = c.req.param("id");
    if (!isFlowId(id)) throw new MjflowError("not_found");
    const { flow, tasks } = await c.get("deps").store.loadFlow(id);
    // Another app's flow does not exist for this one.
    if (!flow || flow.appId !== c.get("appId")) throw new MjflowError("not_found");
    return c.json(flowView(flow, tasks, mediaUrlOf(c)));
  });
