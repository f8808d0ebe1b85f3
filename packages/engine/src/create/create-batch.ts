/**
 * Creates the flows of a batch. Each flow is created as if its request had come alone: a flow that cannot be created stops no
 * other one. The ids of the flows follow from the id of the batch, so a repeated batch creates no flow twice (T3).
 */
import { createHash } from "node:crypto";
import type { RateState } from "@mjflow/core/credit";
import { MjflowError } from "@mjflow/core/error";
import { flowIdAt, ROOT_PATH } from "@mjflow/core/id";
import { BATCH_TIME_MS } from "@mjflow/core/limit";
import type { OutgoingMessage } from "@mjflow/core/message";
import { planMicroUsd } from "@mjflow/core/price";
import type { FlowRequest } from "@mjflow/core/request";
import type { EngineDeps } from "../deps.ts";
import { inParallel } from "../parallel.ts";
import type { FlowWithTasks } from "../step/update-flow.ts";
import { type CreateFlowDeps, createFlow, type FlowDefaults } from "./create.ts";
import type { IdempotentOutcome } from "./idempotency.ts";

/** Flows that are created at one time. Each needs a connection to the table. */
const PARALLEL = 10;
/** SQS takes ten messages in one request. */
const MESSAGES = 10;

/** The request of one flow, or why it is not valid. `permutation`: number of the prompt in its item; unset: not expanded. */
export interface BatchItem {
  index: number;
  permutation?: number;
  /** The prompt with its groups in braces. Unset: not expanded. */
  permutedPrompt?: string;
  request: FlowRequest | MjflowError;
}

/** `micro`: estimated price of the whole plan, micro-USD. */
export type BatchResult = Pick<BatchItem, "index" | "permutation"> &
  ({ flow: FlowWithTasks; micro: number } | { error: MjflowError });

export interface Batch {
  results: BatchResult[];
  /** State of the rate limit after the last new flow; unset if new flows are not limited. */
  rate?: RateState;
}

/**
 * Creates the flows, some of them at one time. When the rate limit or the limit of running flows is reached, the flows that
 * are left get the same error without a write. After `BATCH_TIME_MS` they get `overloaded`. A repetition of the batch
 * creates what is missing.
 *
 * @param id id from which the ids of the flows follow; it has the form of a flow id
 * @param resumed true: an earlier request may have created some of the flows
 */
export async function createFlows(
  deps: CreateFlowDeps,
  appId: string,
  items: readonly BatchItem[],
  defaults: FlowDefaults,
  { target: id, resumed }: { target: string; resumed: boolean },
): Promise<Batch> {
  const roots = collectMessages(deps);
  const endsAt = deps.clock.now() + BATCH_TIME_MS;
  const collecting = { ...deps, queue: roots.queue, sharedTranslations: { endsAt, known: new Map() } };
  const results: BatchResult[] = [];
  let refusal: MjflowError | undefined;
  let rate: RateState | undefined;

  async function create(
    { request, permutation: at, permutedPrompt: prompt }: BatchItem,
    position: number,
  ): Promise<{ flow: FlowWithTasks; micro: number }> {
    if (request instanceof MjflowError) throw request;
    if (refusal) throw refusal;
    if (deps.clock.now() >= endsAt) throw new MjflowError("overloaded", { detail: "There was no time for this flow." });
    const flowId = batchFlowId(id, position);
    const permutation = at !== undefined && prompt !== undefined ? { permutation: { at, prompt } } : {};
    const created = await createFlow(collecting, appId, request, defaults, { flowId, resumed, ...permutation });
    if (created.rate) rate = created.rate;
    return { flow: created, micro: microOf(created) };
  }

  await inParallel(items, PARALLEL, async (item, position) => {
    const { index, permutation } = item;
    const at = { index, ...(permutation !== undefined && { permutation }) };
    try {
      results[position] = { ...at, ...(await create(item, position)) };
    } catch (thrown) {
      const error = asError(deps, thrown);
      if (error.code === "rate_limited" || error.code === "too_many_flows") refusal = error;
      results[position] = { ...at, error };
    }
  });
  await roots.flush();
  return { results, ...(rate && { rate }) };
}

/** Reads the flows of a batch whose flows all exist. */
export async function readBatch(
  deps: Pick<EngineDeps, "store" | "log">,
  items: readonly BatchItem[],
  id: string,
): Promise<Batch> {
  const results: BatchResult[] = [];
  await inParallel(items, PARALLEL, async ({ index, permutation }, position) => {
    const { flow, tasks } = await deps.store.load(batchFlowId(id, position), [ROOT_PATH]);
    const at = { index, ...(permutation !== undefined && { permutation }) };
    const isThere = flow !== undefined && flow.deletedAt === undefined;
    results[position] = isThere
      ? { ...at, flow: { flow, tasks }, micro: microOf({ tasks }) }
      : { ...at, error: new MjflowError("not_found") };
  });
  return { results };
}

/**
 * How the key of a batch is stored. A batch with a missing flow is not done: its repetition creates the flow. A batch without
 * any flow leaves its key free for a corrected body.
 */
export function outcomeOfBatch({ results }: Batch): IdempotentOutcome {
  const errors = results.flatMap((result) => ("error" in result ? [result.error] : []));
  if (errors.length === 0) return "done";
  const isRejected = errors.length === results.length && errors.every(({ status }) => status < 500);
  return isRejected ? "rejected" : "incomplete";
}

/**
 * Id of a flow of a batch. The position comes first in the random part: the flows of a batch have one time, and lists show
 * them in the order of the batch.
 */
export function batchFlowId(id: string, position: number): string {
  const digest = createHash("sha256").update(`${position} of ${id}`).digest();
  return flowIdAt(id, Uint8Array.of(position, ...digest.subarray(0, 9)));
}

function microOf({ tasks }: Pick<FlowWithTasks, "tasks">): number {
  const root = tasks.find(({ path }) => path === ROOT_PATH);
  return root ? planMicroUsd(root, root.then) : 0;
}

/** An error that is no `MjflowError` is a bug: the log gets its text, the app does not. */
function asError({ log }: Pick<EngineDeps, "log">, error: unknown): MjflowError {
  if (error instanceof MjflowError) return error;
  log.error("batch.bug", { error: String(error), ...(error instanceof Error && { stack: error.stack }) });
  return new MjflowError("internal", { cause: error });
}

/** A queue that sends the messages of several roots in one request. What is not sent, the sweeper sends when it is due. */
function collectMessages({ queue, log }: Pick<EngineDeps, "queue" | "log">) {
  const waiting: OutgoingMessage[] = [];
  async function flush(atLeast = 1): Promise<void> {
    if (waiting.length < atLeast) return;
    const messages = waiting.splice(0);
    await queue.send(messages).catch((error: unknown) => {
      log.error("batch.messages-not-sent", { messages: messages.length, error: String(error) });
    });
  }
  const collecting: EngineDeps["queue"] = {
    async send(messages) {
      waiting.push(...messages);
      await flush(MESSAGES);
    },
    resend: (body, group) => queue.resend(body, group),
  };
  return { queue: collecting, flush };
}
