/** The dependencies of the engine's steps. Each step declares the part that it needs. */
import { type FanOut, workQueueOf } from "@mjflow/core/message";
import type { Blobs, Clock, Log, Providers, Queue, Store } from "@mjflow/core/port";
import type { ReadCallbackOptions, Report } from "@mjflow/core/report";
import type { Context } from "@mjflow/core/state";
import type { Task } from "@mjflow/core/task";
import type { Timings } from "@mjflow/core/timing";
import type { CallbackTokens } from "./callback/callback-token.ts";
import { type Chain, isChainOver } from "./step/chain.ts";

export interface Random {
  bytes(length: number): Uint8Array;
  /** Random number from 0 to 1, for jitter. */
  chance(): number;
}

export interface EngineDeps {
  store: Store;
  queue: Queue;
  blobs: Blobs;
  providers: Providers;
  callbackTokens: CallbackTokens;
  clock: Clock;
  random: Random;
  timings: Timings;
  log: Log;
  /** The chain of messages that this invocation continues (chain.ts). Unset: none, as for a request or a callback. */
  chain?: Chain;
  /** How the tasks of a fan-out and the notifications of an invocation are sent. Unset: in one message. */
  fanOut?: FanOut;
  /** True: the queue holds notifications back until the end of the invocation (notification-batch.ts). Unset: false. */
  holdsNotifications?: boolean;
  /** What the process remembers of credit counters belongs to this object (credit-counter.ts). Unset: to its store. */
  creditMemory?: object;
}

/** Parses a callback body. The callback handler has no vendor API keys, so it can read callbacks but call no vendor. */
export type ReadCallback = (
  provider: string,
  body: string,
  options?: ReadCallbackOptions,
) => Report | undefined | Promise<Report | undefined>;

/** @param task the task that a decision is made for; unset: no decision that sends messages */
export function contextOf(deps: Pick<EngineDeps, "clock" | "timings" | "chain">, task?: Task): Context {
  const chainOver = task !== undefined && isChainOver(deps, workQueueOf(task));
  return { now: deps.clock.now(), timings: deps.timings, ...(chainOver && { chainOver }) };
}
