/** `/v1/dead-letters`: lists, redrives and discards dead-letter messages. For the operator. */
import type { DeadLetter } from "@mjflow/core/dead-letter";
import { discardDeadLetter, redriveDeadLetter } from "@mjflow/engine/dead-letter";
import { Hono } from "hono";
import type { AppEnv } from "./env.ts";

const MAX_LISTED = 100;

export const deadLetters = new Hono<AppEnv>()
  .get("/", async (c) =>
    c.json({ data: (await c.get("deps").store.listDeadLetters(MAX_LISTED)).map(deadLetterView), nextCursor: null }),
  )
  .post("/:id/redrive", async (c) => c.json(deadLetterView(await redriveDeadLetter(c.get("deps"), c.req.param("id")))))
  .delete("/:id", async (c) => c.json(deadLetterView(await discardDeadLetter(c.get("deps"), c.req.param("id")))));

function deadLetterView({ id, state, body, why, receives, createdAt }: DeadLetter) {
  return { id, state, body, why, receives, createdAt: new Date(createdAt).toISOString() };
}
