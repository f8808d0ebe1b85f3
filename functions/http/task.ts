/** `/v1/tasks`: one task, and what a person may do with it by hand. */
import { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { answerModal, newSegment, ownTask, pressTask } from "@mjflow/engine/press";
import { taskView } from "@mjflow/engine/view";
import { Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, mediaUrlOf } from "./env.ts";
import { idempotent } from "./idempotent.ts";

export const tasks = new Hono<AppEnv>()
  .get("/:id", async (c) => {
    const { task } = await ownTask(c.get("deps"), c.get("appId"), c.req.param("id"));
    return c.json(taskView(task, mediaUrlOf(c)));
  })
  .post("/:id/actions", async (c) => {
    const request = await readBody(c, ActionRequest);
    const [deps, appId, id] = [c.get("deps"), c.get("appId"), c.req.param("id")];
    const task = await idempotent(c, request, {
      choose: () => newSegment(deps),
      run: ({ target: segment }) => pressTask(deps, appId, id, request, { segment }),
      show: async (segment) => (await ownTask(deps, appId, `${id}-${segment}`)).task,
    });
    const view = taskView(task, mediaUrlOf(c));
    return c.json(view, 202, { Location: `/v1/tasks/${view.id}` });
  })
  .post("/:id/modal", async (c) => {
    const request = await readBody(c, ModalRequest);
    const [deps, appId, id] = [c.get("deps"), c.get("appId"), c.req.param("id")];
    // An answer given again is taken once as it is; the key tells it from another one.
    const task = await idempotent(c, request, {
      choose: () => id,
      run: () => answerModal(deps, appId, id, request),
      show: async () => (await ownTask(deps, appId, id)).task,
    });
    return c.json(taskView(task, mediaUrlOf(c)), 202);
  });
