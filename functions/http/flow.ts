/** `/v1/flows`: creates, lists, reads, cancels and resumes flows. */
import { type Flow, flowStatus, isEndRecorded, listedStatus } from "@mjflow/core/flow";
import { CreateRequest, FlowListQuery, RerunRequest } from "@mjflow/core/request";
import { cancelFlow, resumeFlow } from "@mjflow/engine/cancel";
import { createFlow, newFlowId } from "@mjflow/engine/create";
import { deleteFlow } from "@mjflow/engine/delete-flow";
import { flowListEntry, flowsWithDetails } from "@mjflow/engine/flow-list";
import { getOwnFlow } from "@mjflow/engine/own";
import { readHintOfFlow } from "@mjflow/engine/read-hint";
import type { CreatedFlow } from "@mjflow/engine/start-flow";
import type { FlowWithTasks } from "@mjflow/engine/update-flow";
import { followedFlowView } from "@mjflow/engine/view";
import { withWaitPlaces } from "@mjflow/engine/wait-place";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, checkCallbackUrl, followOf, linksFor } from "./env.ts";
import { createBatch } from "./flow-batch.ts";
import { rerunFlow } from "./flow-rerun.ts";
import { idempotent } from "./idempotency.ts";
import { hintHeader, waitUntil } from "./long-poll.ts";
import { rateHeaders } from "./problem.ts";
import { readFlow } from "./read.ts";
import { validate } from "./validate.ts";

export const flows = new Hono<AppEnv>()
  .post("/", async (c) => {
    const { batch, permutations, ...request } = await readBody(c, CreateRequest);
    if (batch !== undefined || permutations === "expand") {
      return createBatch(c, { batch, permutations, ...request });
    }
    const deps = c.get("deps");
    checkCallbackUrl(c, "notifyHook", request.notifyHook);
    const { flow, tasks, rate } = await idempotent<CreatedFlow>(c, request, {
      choose: () => newFlowId(deps),
      run: ({ target: flowId, resumed }) => createFlow(deps, c.get("appId"), request, deps, { flowId, resumed }),
      show: (id) => own(c, id),
    });
    if (rate) rateHeaders(c, rate);
    return respond(c, { flow, tasks });
  })
  .get("/", async (c) => {
    const { limit, cursor, since, until, details, ...fields } = validate(FlowListQuery, c.req.query());
    const page = await c.get("deps").store.listFlows(c.get("appId"), limit, cursor, {
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
      ...(Object.keys(fields).length > 0 && { matches: (flow) => matchesQuery(flow, fields) }),
    });
    const links = linksFor(c);
    const data =
      details === "true"
        ? await flowsWithDetails(c.get("deps"), page.flows, links)
        : page.flows.map((flow) => flowListEntry(flow, links));
    return c.json({ data, nextCursor: page.cursor ?? null });
  })
  .get("/:id", (c) => readFlow(c, c.req.param("id")))
  .delete("/:id", async (c) => {
    await deleteFlow(c.get("deps"), c.get("appId"), c.req.param("id"));
    return c.body(null, 204);
  })
  .post("/:id/cancel", async (c) => respond(c, await cancelFlow(c.get("deps"), c.get("appId"), c.req.param("id"))))
  .post("/:id/rerun", async (c) => {
    const changes = await readBody(c, RerunRequest);
    const { flow, tasks, rate } = await rerunFlow(c, c.req.param("id"), changes);
    if (rate) rateHeaders(c, rate);
    return respond(c, { flow, tasks });
  })
  .post("/:id/resume", async (c) => respond(c, await resumeFlow(c.get("deps"), c.get("appId"), c.req.param("id"))));

/** Responds 202 while the flow runs and 200 when it has ended. With `Prefer: wait` the client can wait for the end. */
async function respond(c: Context<AppEnv>, first: FlowWithTasks) {
  const reads = [first];
  const read = async () => reads.shift() ?? own(c, first.flow.id);
  const { flow, tasks } = await waitUntil(c, read, (current) => isEndRecorded(current.flow, current.tasks));
  const status = flowStatus(tasks) === "running" ? 202 : 200;
  const nextInMs = await readHintOfFlow(c.get("deps"), tasks, isEndRecorded(flow, tasks));
  hintHeader(c, nextInMs);
  const view = followedFlowView(flow, tasks, linksFor(c), followOf(c, flow.id));
  const body = { ...view, tasks: await withWaitPlaces(c.get("deps"), tasks, view.tasks), nextInMs };
  return c.json(body, status, { Location: `/v1/flows/${flow.id}` });
}

function own(c: Context<AppEnv>, id: string): Promise<FlowWithTasks> {
  return getOwnFlow(c.get("deps"), c.get("appId"), id);
}

function matchesQuery(
  flow: Flow,
  { status, state, provider }: Pick<FlowListQuery, "status" | "state" | "provider">,
): boolean {
  const isSame = (expected: string | undefined, actual: string | undefined) =>
    expected === undefined || expected === actual;
  return isSame(status, listedStatus(flow)) && isSame(state, flow.state) && isSame(provider, flow.provider);
}
