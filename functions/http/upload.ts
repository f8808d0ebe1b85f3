/**
 * `/v1/uploads`: where an app sends images that are too large for a request. `/uploads/…`: the links under which vendors fetch
 * them, without a key.
 */

import { MjflowError } from "@mjflow/core/error";
import { INPUT_EXTENSIONS } from "@mjflow/core/image-type";
import { UploadRequest } from "@mjflow/core/request";
import { isUploadId, uploadKeyOf } from "@mjflow/core/upload";
import { createUpload } from "@mjflow/engine/input-image";
import { Hono } from "hono";
import { readBody } from "./body.ts";
import type { AppEnv } from "./env.ts";
import { redirectToObject } from "./media.ts";

export const uploads = new Hono<AppEnv>().post("/", async (c) => {
  const { id, url, contentType, bytes, expiresAt } = await createUpload(
    c.get("deps"),
    c.get("appId"),
    await readBody(c, UploadRequest),
  );
  const headers = { "Content-Type": contentType };
  const link = c.get("deps").imageUrl(uploadKeyOf(c.get("appId"), id), INPUT_EXTENSIONS[contentType]);
  return c.json(
    { id, url, method: "PUT", headers, contentType, bytes, expiresAt: new Date(expiresAt).toISOString(), link },
    201,
  );
});

const FILE = /^([\w-]+)\.[a-z]+$/;

export const uploadLinks = new Hono<AppEnv>().get("/:app/:id/:file", (c) => {
  const { app, id, file } = c.req.param();
  const key = uploadKeyOf(app, id);
  const signature = FILE.exec(file)?.[1] ?? "";
  if (!isUploadId(id) || !c.get("deps").mediaLinks("").isOurUpload(key, signature)) throw new MjflowError("not_found");
  return redirectToObject(c, key);
});
