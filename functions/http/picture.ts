/** `/v1/pictures`: the results of an app, newest first, and their marks. The operator can list those of any app. */
import { MjflowError } from "@mjflow/core/error";
import { MarkRequest, PictureListQuery } from "@mjflow/core/request";
import { markPictures, setFavorite } from "@mjflow/engine/mark";
import { listPicturesWithMarks } from "@mjflow/engine/marked-pictures";
import { pictureView } from "@mjflow/engine/pictures";
import { Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, linksFor } from "./env.ts";
import { validate } from "./validate.ts";

export const pictures = new Hono<AppEnv>()
  .get("/", async (c) => {
    const query = validate(PictureListQuery, c.req.query());
    const [deps, caller] = [c.get("deps"), c.get("caller")];
    const { app = caller.appId, since, until, video, favorite, ...rest } = query;
    // An app must not learn whether another app exists.
    if (app !== caller.appId && !caller.operator) throw new MjflowError("not_found");
    const page = await listPicturesWithMarks(deps, app, {
      ...rest,
      ...(video !== undefined && { video: video === "true" }),
      ...(favorite !== undefined && { favorite: true }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(until !== undefined && { until: Date.parse(until) }),
    });
    const links = linksFor(c);
    return c.json({ data: page.pictures.map((each) => pictureView(each, links)), nextCursor: page.cursor ?? null });
  })
  .patch("/", async (c) => {
    const { pictures: ids, ...change } = await readBody(c, MarkRequest);
    return c.json(await markPictures(c.get("deps"), c.get("appId"), ids, change));
  })
  .put("/:id/favorite", async (c) => {
    await setFavorite(c.get("deps"), c.get("appId"), c.req.param("id"), true);
    return c.body(null, 204);
  })
  .delete("/:id/favorite", async (c) => {
    await setFavorite(c.get("deps"), c.get("appId"), c.req.param("id"), false);
    return c.body(null, 204);
  });
