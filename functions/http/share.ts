/** `/v1/flows/{id}/shares` and `/v1/shared`: read-only links to a flow for people without a key. */
import { type AccessToken, SHARE } from "@mjflow/core/access-token";
import { isEndRecorded } from "@mjflow/core/flow";
import { ShareRequest } from "@mjflow/core/request";
import { isoOf } from "@mjflow/engine/date";
import { readHintOfFlow } from "@mjflow/engine/read-hint";
import { createShare, listShares, openShare, revokeShare } from "@mjflow/engine/share";
import { sharedView } from "@mjflow/engine/shared-view";
import { Hono } from "hono";
import { bearerOf, unauthorized } from "./auth.ts";
import { readBody } from "./body.ts";
import { type AppEnv, endingMediaUrlOf, linksFor } from "./env.ts";
import { respondTagged } from "./long-poll.ts";

export const shares = new Hono<AppEnv>()
  .post("/:id/shares", async (c) => {
    const request = await readBody(c, ShareRequest);
    const { share, text } = await createShare(c.get("deps"), c.get("appId"), c.req.param("id"), request);
    const base = linksFor(c).console;
    // The fragment of a URL is sent to no server, so no log has the secret.
    const url = base === undefined ? null : `${base}#/share/${text}`;
    return c.json({ ...shareView(share), token: text, url }, 201);
  })
  .get("/:id/shares", async (c) => {
    const all = await listShares(c.get("deps"), c.get("appId"), c.req.param("id"));
    return c.json({ data: all.map(shareView), nextCursor: null });
  })
  .delete("/:id/shares/:shareId", async (c) => {
    await revokeShare(c.get("deps"), c.get("appId"), c.req.param("id"), c.req.param("shareId"));
    return c.body(null, 204);
  });

/** The route that needs no API key. It takes no session either: what it shows depends on the link alone. */
export const shared = new Hono<AppEnv>().get("/shared", async (c) => {
  const deps = c.get("deps");
  const opened = await openShare(deps, bearerOf(c));
  if (!opened)
    throw unauthorized("malformed", "The text after `Bearer` is no share link (`mjv_…`). Copy the whole link.");
  const { flow, tasks } = opened;
  const body = sharedView(opened, endingMediaUrlOf(c, SHARE.mediaMs));
  return respondTagged(c, { body, nextInMs: () => readHintOfFlow(deps, tasks, isEndRecorded(flow, tasks)) });
});

function shareView({ id, label, hidesPrompt, showsVendorLinks, createdAt, expiresAt }: AccessToken) {
  return {
    id,
    label: label ?? null,
    showsPrompt: !hidesPrompt,
    showsVendorLinks: showsVendorLinks ?? false,
    createdAt: isoOf(createdAt),
    expiresAt: isoOf(expiresAt),
  };
}
