/** `/v1/dead-letters`: messages nobody could read, and what to do with them. For the operator of the stage. */
import type { DeadLetter } from "@mjflow/core/dead-letter";
import { discardDeadLetter, redriveDeadLetter } from "@mjflow/engine/dead-letter";
import { Hono } from "hono";
import { operatorOnly } from "./auth.ts";
import type { AppEnv } from "./env.ts";

const SHOWN = 100;

export const letters = new Hono<AppEnv>()
  .use(operatorOnly)
  .get("/", async (c) =>
    c.json({ data: (await c.get("deps").store.listDeadLetters(SHOWN)).map(letterView), nextCursor: null }),
  )
  .post("/:id/redrive", async (c) => c.json(letterView(await redriveDeadLetter(c.get("deps"), c.req.param("id")))))
  .delete("/:id", async (c) => c.json(letterView(await discardDeadLetter(c.get("deps"), c.req.param("id")))));

function letterView({ id, state, body, why, receives, createdAt }: DeadLetter) {
  return { id, state, body, why, receives, createdAt: new Date(createdAt).toISOString() };
}
