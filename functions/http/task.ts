/** `/v1/tasks`: one task, and what a person may do with it by hand. */
import { taskIdOf } from "@mjflow/core/id";
import { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { isEnded, type Task } from "@mjflow/core/task";
import { retryTask } from "@mjflow/engine/cancel";
import { answerModal, getOwnTask, newSegment, pressTask } from "@mjflow/engine/press";
import { taskView } from "@mjflow/engine/view";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, mediaUrlOf } from "./env.ts";
import { idempotent } from "./idempotency.ts";
import { respondWhenChanged, waitUntil } from "./long-poll.ts";

export const tasks = new Hono<AppEnv>()
  .get("/:id", (c) => {
    const mediaUrl = mediaUrlOf(c);
    return respondWhenChanged(c, async () => {
      const task = await own(c, c.req.param("id"));
      return { body: taskView(task, mediaUrl), ended: isEnded(task) };
    });
  })
  .get("/:id/raw", async (c) => {
    const id = c.req.param("id");
    return c.json({ id, body: (await own(c, id)).result?.raw ?? null });
  })
  .post("/:id/actions", async (c) => {
    const request = await readBody(c, ActionRequest);
    const [deps, appId, id] = [c.get("deps"), c.get("appId"), c.req.param("id")];
    const task = await idempotent(c, request, {
      choose: () => newSegment(deps),
      run: ({ target: segment }) => pressTask(deps, appId, id, request, { segment }),
      show: (segment) => own(c, `${id}-${segment}`),
    });
    return answer(c, task);
  })
  .post("/:id/modal", async (c) => {
    const request = await readBody(c, ModalRequest);
    const [deps, appId, id] = [c.get("deps"), c.get("appId"), c.req.param("id")];
    // An answer given again is taken once as it is; the key tells it from another one.
    const task = await idempotent(c, request, {
      choose: () => id,
      run: () => answerModal(deps, appId, id, request),
      show: () => own(c, id),
    });
    return answer(c, task);
  })
  .post("/:id/retry", async (c) => answer(c, await retryTask(c.get("deps"), c.get("appId"), c.req.param("id"))));

async function own(c: Context<AppEnv>, id: string): Promise<Task> {
  return (await getOwnTask(c.get("deps"), c.get("appId"), id)).task;
}

/** 202 while it runs; 200 once it has ended, which the client may have preferred to wait for. */
async function answer(c: Context<AppEnv>, first: Task) {
  const id = taskIdOf(first.flowId, first.path);
  const reads = [first];
  const task = await waitUntil(c, async () => reads.shift() ?? own(c, id), isEnded);
  return c.json(taskView(task, mediaUrlOf(c)), isEnded(task) ? 200 : 202, { Location: `/v1/tasks/${id}` });
}
