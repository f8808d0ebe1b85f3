/** `/v1/tasks`: one task, and what a person may do with it by hand. */
import { ActionRequest, ModalRequest } from "@mjflow/core/request";
import { answerModal, ownTask, pressTask } from "@mjflow/engine/press";
import { taskView } from "@mjflow/engine/view";
import { Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, mediaUrlOf } from "./env.ts";

export const tasks = new Hono<AppEnv>()
  .get("/:id", async (c) => {
    const { task } = await ownTask(c.get("deps"), c.get("appId"), c.req.param("id"));
    return c.json(taskView(task, mediaUrlOf(c)));
  })
  .post("/:id/actions", async (c) => {
    const request = await readBody(c, ActionRequest);
    const task = await pressTask(c.get("deps"), c.get("appId"), c.req.param("id"), request);
    const view = taskView(task, mediaUrlOf(c));
    return c.json(view, 202, { Location: `/v1/tasks/${view.id}` });
  })
  .post("/:id/modal", async (c) => {
    const request = await readBody(c, ModalRequest);
    const task = await answerModal(c.get("deps"), c.get("appId"), c.req.param("id"), request);
    return c.json(taskView(task, mediaUrlOf(c)), 202);
  });
