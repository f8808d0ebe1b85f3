/** Reads of one flow or task. The API and the stream function serve them. */
import { isEndRecorded } from "@mjflow/core/flow";
import { isEnded } from "@mjflow/core/task";
import { getOwnFlow, getOwnTask } from "@mjflow/engine/own";
import { readHintOfFlow, readHintOfTask } from "@mjflow/engine/read-hint";
import { followedFlowView, taskView } from "@mjflow/engine/view";
import { withWaitPlaces } from "@mjflow/engine/wait-place";
import type { Context } from "hono";
import { type AppEnv, followOf, linksFor } from "./env.ts";
import { respondWhenChanged } from "./long-poll.ts";

/** `GET /v1/flows/:id` */
export function readFlow(c: Context<AppEnv>, id: string) {
  const [links, following] = [linksFor(c), followOf(c, id)];
  return respondWhenChanged(c, async () => {
    const { flow, tasks } = await getOwnFlow(c.get("deps"), c.get("appId"), id);
    const body = followedFlowView(flow, tasks, links, following);
    const ended = isEndRecorded(flow, tasks);
    const nextInMs = () => readHintOfFlow(c.get("deps"), tasks, ended);
    const complete = async () => ({ ...body, tasks: await withWaitPlaces(c.get("deps"), tasks, body.tasks) });
    return { body, ended, ending: !ended && body.status !== "running", complete, nextInMs };
  });
}

/** `GET /v1/tasks/:id` */
export function readTask(c: Context<AppEnv>, id: string) {
  const links = linksFor(c);
  return respondWhenChanged(c, async () => {
    const { flow, task } = await getOwnTask(c.get("deps"), c.get("appId"), id);
    const nextInMs = () => readHintOfTask(c.get("deps"), task);
    const body = taskView(task, links, flow);
    const complete = async () => (await withWaitPlaces(c.get("deps"), [task], [body]))[0]!;
    return { body, ended: isEnded(task), complete, nextInMs };
  });
}
