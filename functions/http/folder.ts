/** `/v1/folders`: named lists of pictures. `PATCH /v1/pictures` puts pictures into them. */
import type { Folder } from "@mjflow/core/mark";
import { FolderRequest } from "@mjflow/core/request";
import { isoOf } from "@mjflow/engine/date";
import { createFolder, deleteFolder, renameFolder } from "@mjflow/engine/folder";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import { type AppEnv, linksFor } from "./env.ts";

export const folders = new Hono<AppEnv>()
  .get("/", async (c) => {
    const all = await c.get("deps").markStore.folders(c.get("appId"));
    return c.json({ data: all.map((folder) => folderView(c, folder)), nextCursor: null });
  })
  .post("/", async (c) => {
    const { name } = await readBody(c, FolderRequest);
    const { folder, isNew } = await createFolder(c.get("deps"), c.get("appId"), name);
    return c.json(folderView(c, folder), isNew ? 201 : 200, { Location: `/v1/folders/${folder.id}` });
  })
  .patch("/:id", async (c) => {
    const { name } = await readBody(c, FolderRequest);
    return c.json(folderView(c, await renameFolder(c.get("deps"), c.get("appId"), c.req.param("id"), name)));
  })
  .delete("/:id", async (c) => {
    await deleteFolder(c.get("deps"), c.get("appId"), c.req.param("id"));
    return c.body(null, 204);
  });

function folderView(c: Context<AppEnv>, { id, name, createdAt, updatedAt }: Folder) {
  return {
    id,
    name,
    createdAt: isoOf(createdAt)!,
    updatedAt: isoOf(updatedAt)!,
    urls: { pictures: `${linksFor(c).api}/v1/pictures?folder=${id}` },
  };
}
