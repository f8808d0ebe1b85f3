/** Batches of `POST /v1/flows`: several flows in one request, and the flows of a prompt with permutations. */
import { MjflowError } from "@mjflow/core/error";
import { REQUEST } from "@mjflow/core/limit";
import { expandPermutations } from "@mjflow/core/prompt";
import { type CreateRequest, FlowRequest } from "@mjflow/core/request";
import type { FlowBatch, Problem } from "@mjflow/core/response";
import { newFlowId } from "@mjflow/engine/create";
import {
  type Batch,
  type BatchItem,
  type BatchResult,
  createFlows,
  outcomeOfBatch,
  readBatch,
} from "@mjflow/engine/create-batch";
import { flowSummary } from "@mjflow/engine/view";
import type { Context } from "hono";
import type * as z from "zod/mini";
import { type AppEnv, checkCallbackUrl, linksFor, problemBaseOf } from "./env.ts";
import { idempotent } from "./idempotency.ts";
import { afterSeconds, problemBody, rateHeaders } from "./problem.ts";
import { validate } from "./validate.ts";

/**
 * Creates the flows and responds 207 with one result for each.
 *
 * @throws MjflowError `invalid_request` if there are too many flows; `too_large`; the errors of `Idempotency-Key`
 */
export async function createBatch(c: Context<AppEnv>, request: CreateRequest) {
  const deps = c.get("deps");
  const items = itemsOf(c, request);
  const batch = await idempotent<Batch>(c, request, {
    choose: () => newFlowId(deps),
    run: (chosen) => createFlows(deps, c.get("appId"), items, deps, chosen),
    show: (id) => readBatch(deps, items, id),
    outcome: outcomeOfBatch,
  });
  return respond(c, batch);
}

function itemsOf(c: Context<AppEnv>, { batch, ...shared }: CreateRequest): BatchItem[] {
  const raw = batch?.map((item) => ({ ...shared, ...item })) ?? [shared];
  const items = raw.flatMap((item, index) => itemsOfOne(c, item, index));
  const [first] = items;
  if (!batch && first?.request instanceof MjflowError) throw first.request;
  if (items.length > REQUEST.batchFlows) {
    const field = batch ? "batch" : "prompt";
    const detail = `${field}: stands for ${items.length} flows. One request creates at most ${REQUEST.batchFlows}.`;
    throw new MjflowError("invalid_request", { field, detail });
  }
  const bytes = raw.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0);
  if (bytes > REQUEST.batchBytes) {
    const detail = `All flows with the shared fields have ${bytes} bytes. Send at most ${REQUEST.batchBytes} in one batch.`;
    throw new MjflowError("too_large", { detail });
  }
  return items;
}

/** The flows of one item: several if its permutations are expanded, or the error of an item that is not valid. */
function itemsOfOne(c: Context<AppEnv>, item: Record<string, unknown>, index: number): BatchItem[] {
  try {
    const { permutations, ...request } = validate(FlowRequest, item);
    checkCallbackUrl(c, "notifyHook", request.notifyHook);
    if (permutations !== "expand") return [{ index, request }];
    const permutedPrompt = request.prompt ?? "";
    const prompts = expandPermutations(permutedPrompt);
    return prompts.map((prompt, permutation) => ({
      index,
      permutation,
      permutedPrompt,
      request: { ...request, prompt },
    }));
  } catch (error) {
    if (error instanceof MjflowError) return [{ index, request: error }];
    throw error;
  }
}

function respond(c: Context<AppEnv>, { results, rate }: Batch) {
  if (rate) rateHeaders(c, rate);
  const errors = results.flatMap((result) => ("error" in result ? [result.error] : []));
  const pauses = errors.flatMap(({ retry }) => afterSeconds(retry) ?? []);
  if (pauses.length > 0) c.header("Retry-After", String(Math.max(...pauses)));
  const micro = results.reduce((sum, result) => sum + ("error" in result ? 0 : result.micro), 0);
  const body = {
    data: results.map((result) => resultView(c, result)),
    created: results.length - errors.length,
    failed: errors.length,
    estimatedUsd: micro / 1e6,
  };
  return c.json(body, 207);
}

function resultView(c: Context<AppEnv>, result: BatchResult): z.infer<typeof FlowBatch>["data"][number] {
  const { index, permutation = null } = result;
  if ("error" in result) {
    const error = problemBody(result.error, c.get("requestId"), problemBaseOf(c)) as z.infer<typeof Problem>;
    return { index, permutation, status: result.error.status, flow: null, estimatedUsd: null, error };
  }
  const { flow } = result.flow;
  return {
    index,
    permutation,
    status: 202,
    flow: flowSummary(flow, linksFor(c)),
    estimatedUsd: result.micro / 1e6,
    error: null,
  };
}
