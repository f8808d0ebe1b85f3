/** `/v1/banned-words`: words that this deployment sends to no vendor. For the operator. */
import type { BannedList } from "@mjflow/core/banned";
import { BannedRequest } from "@mjflow/core/request";
import { saveBannedWords } from "@mjflow/engine/banned";
import { type Context, Hono } from "hono";
import { readBody } from "./body.ts";
import type { AppEnv } from "./env.ts";

export const bannedWords = new Hono<AppEnv>()
  .get("/", async (c) => c.json(view(c, await c.get("deps").vendorStore.bannedList())))
  .put("/", async (c) => {
    const { words } = await readBody(c, BannedRequest);
    return c.json(view(c, await saveBannedWords(c.get("deps"), words)));
  });

function view(c: Context<AppEnv>, list: BannedList | undefined) {
  return {
    words: list?.words ?? [],
    /** Further banned words, from the deployment's configuration. */
    configured: c.get("deps").banned.configured,
    updatedAt: list === undefined ? null : new Date(list.updatedAt).toISOString(),
  };
}
