/**
 * `/v1/queues`, `/v1/overdue`, `/v1/unclear` and `/v1/vault/reseal`: queue depths, late work and re-encryption. For the
 * operator.
 */
import { parseDeliveryId } from "@mjflow/core/delivery";
import { taskIdOf } from "@mjflow/core/id";
import { findOverdue, findUnclear, type OverdueResult, type UnclearSubmission } from "@mjflow/engine/operator-queries";
import { reencryptSecrets } from "@mjflow/engine/reencrypt";
import { Hono } from "hono";
import { operatorOnly } from "./auth.ts";
import type { AppEnv } from "./env.ts";
import { readPage } from "./page.ts";

export const operations = new Hono<AppEnv>()
  .get("/queues", operatorOnly, async (c) => c.json({ data: await c.get("deps").queueDepths(), nextCursor: null }))
  .get("/overdue", operatorOnly, async (c) => {
    const { due, isWhole } = await findOverdue(c.get("deps"));
    return c.json({ count: due.length, whole: isWhole, oldest: due[0] ? dueView(due[0]) : null });
  })
  .get("/unclear", operatorOnly, async (c) => {
    const { found, looked, isWhole } = await findUnclear(c.get("deps"));
    return c.json({ data: found.map(unclearView), looked, whole: isWhole, nextCursor: null });
  })
  .post("/vault/reseal", operatorOnly, async (c) => {
    const { limit, cursor } = readPage(c);
    const { cursor: next, ...counts } = await reencryptSecrets(c.get("deps"), limit, cursor);
    return c.json({ ...counts, nextCursor: next ?? null });
  });

function dueView(due: OverdueResult["due"][number]) {
  return { kind: due.kind, ...idsOf(due), dueAt: new Date(due.dueAt).toISOString() };
}

function idsOf(due: OverdueResult["due"][number]): { id: string; flowId: string } {
  if (due.kind === "task") return { id: taskIdOf(due.flowId, due.path), flowId: due.flowId };
  if (due.kind === "flow") return { id: due.flowId, flowId: due.flowId };
  return { id: due.deliveryId, flowId: parseDeliveryId(due.deliveryId)!.flowId };
}

function unclearView({ task, appId }: UnclearSubmission) {
  const { flowId, path, press, action, provider, account, attempt, createdAt, due } = task;
  return {
    id: taskIdOf(flowId, path),
    flowId,
    appId,
    press: press ?? null,
    action,
    provider,
    account,
    attempt,
    createdAt: new Date(createdAt).toISOString(),
    dueAt: due === undefined ? null : new Date(due).toISOString(),
  };
}
