/** `/v1/flows`: send a plan once, read how far it is. */
import { MjflowError } from "@mjflow/core/error";
import type { Flow } from "@mjflow/core/flow";
import { isFlowId } from "@mjflow/core/id";
import { FlowListQuery, FlowRequest } from "@mjflow/core/request";
import type { Task } from "@mjflow/core/task";
import { type Created, createFlow, newFlowId } from "@mjflow/engine/create";
import { flowSummary, flowView } from "@mjflow/engine/view";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, checkHook, mediaUrlOf } from "./env.ts";
import { idempotent } from "./idempotent.ts";
import { invalid, rateHeaders } from "./problem.ts";

export const flows = new Hono<AppEnv>()
  .post("/", async (c) => {
    const request = await readBody(c, FlowRequest);
    const deps = c.get("deps");
    checkHook(c, "notifyHook", request.notifyHook);
    const { flow, tasks, rate } = await idempotent<Created>(c, request, {
      choose: () => newFlowId(deps),
      run: ({ target: flowId, resumed }) => createFlow(deps, c.get("appId"), request, deps, { flowId, resumed }),
      show: (id) => ownFlow(c, id),
    });
    if (rate) rateHeaders(c, rate);
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
    const { flow, tasks } = await ownFlow(c, c.req.param("id"));
    return c.json(flowView(flow, tasks, mediaUrlOf(c)));
  });

/** @throws MjflowError not_found, also for another app's flow: for this one it does not exist */
async function ownFlow(c: Context<AppEnv>, id: string): Promise<{ flow: Flow; tasks: Task[] }> {
  if (!isFlowId(id)) throw new MjflowError("not_found");
  const { flow, tasks } = await c.get("deps").store.loadFlow(id);
  if (!flow || flow.appId !== c.get("appId")) throw new MjflowError("not_found");
  return { flow, tasks };
}
