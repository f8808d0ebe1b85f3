/** `/v1/tasks`: reads a task, presses its buttons, submits modal answers and retries it. */
import type { Flow } from "@mjflow/core/flow";
import { taskIdOf } from "@mjflow/core/id";
import { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { isEnded, type Task } from "@mjflow/core/task";
import { retryTask } from "@mjflow/engine/cancel";
import { getOwnTask } from "@mjflow/engine/own";
import { answerModal, newSegment, pressTask } from "@mjflow/engine/press";
import { readHintOfTask } from "@mjflow/engine/read-hint";
import { taskView } from "@mjflow/engine/view";
import { withWaitPlaces } from "@mjflow/engine/wait-place";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, linksFor } from "./env.ts";
import { idempotent } from "./idempotency.ts";
import { hintHeader, waitUntil } from "./long-poll.ts";
import { readTask } from "./read.ts";

export const tasks = new Hono<AppEnv>()
  .get("/:id", (c) => readTask(c, c.req.param("id")))
  .get("/:id/raw", async (c) => {
    const id = c.req.param("id");
    return c.json({ id, body: (await own(c, id)).result?.raw ?? null });
  })
  .post("/:id/actions", async (c) => {
    const request = await readBody(c, ActionRequest);
    const [deps, appId, id] = [c.get("deps"), c.get("appId"), c.req.param("id")];
    const task = await idempotent(c, request, {
      choose: () => newSegment(deps),
      run: ({ target: segment, resumed }) => pressTask(deps, appId, id, request, { segment, resumed }),
      show: (segment) => own(c, `${id}-${segment}`),
    });
    return respond(c, task);
  })
  .post("/:id/modal", async (c) => {
    const request = await readBody(c, ModalRequest);
    const [deps, appId, id] = [c.get("deps"), c.get("appId"), c.req.param("id")];
    // The same modal answer sent twice is accepted once. The Idempotency-Key also detects a different second answer.
    const task = await idempotent(c, request, {
      choose: () => id,
      run: () => answerModal(deps, appId, id, request),
      show: () => own(c, id),
    });
    return respond(c, task);
  })
  .post("/:id/retry", async (c) => {
    const [deps, appId] = [c.get("deps"), c.get("appId")];
    const task = await retryTask(deps, appId, c.req.param("id"));
    // The view of a root needs its flow.
    const { flow } = await getOwnTask(deps, appId, taskIdOf(task.flowId, task.path));
    return respond(c, task, flow);
  });

async function own(c: Context<AppEnv>, id: string): Promise<Task> {
  return (await getOwnTask(c.get("deps"), c.get("appId"), id)).task;
}

/** Responds 202 while the task runs and 200 when it has ended. With `Prefer: wait` the client can wait for the end. */
async function respond(c: Context<AppEnv>, first: Task, flow?: Flow) {
  const id = taskIdOf(first.flowId, first.path);
  const reads = [first];
  const task = await waitUntil(c, async () => reads.shift() ?? own(c, id), isEnded);
  const nextInMs = await readHintOfTask(c.get("deps"), task);
  hintHeader(c, nextInMs);
  const [view] = await withWaitPlaces(c.get("deps"), [task], [taskView(task, linksFor(c), flow)]);
  const body = { ...view!, nextInMs };
  return c.json(body, isEnded(task) ? 200 : 202, { Location: `/v1/tasks/${id}` });
}
