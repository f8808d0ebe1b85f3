/** `/v1/pictures`: the results of an app, newest first. The operator can list those of any app. */
import { MjflowError } from "@mjflow/core/error";
import { PictureListQuery } from "@mjflow/core/request";
import { listPictures, pictureView } from "@mjflow/engine/pictures";
import { Hono } from "hono";
import { type AppEnv, linksFor } from "./env.ts";
import { validate } from "./validate.ts";

export const pictures = new Hono<AppEnv>().get("/", async (c) => {
  const query = validate(PictureListQuery, c.req.query());
  const [deps, caller] = [c.get("deps"), c.get("caller")];
  const { app = caller.appId, since, until, video, ...rest } = query;
  // An app must not learn whether another app exists.
  if (app !== caller.appId && !caller.operator) throw new MjflowError("not_found");
  const page = await listPictures(deps, app, {
    ...rest,
    ...(video !== undefined && { video: video === "true" }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  });
  const links = linksFor(c);
  return c.json({ data: page.pictures.map((each) => pictureView(each, links)), nextCursor: page.cursor ?? null });
});
