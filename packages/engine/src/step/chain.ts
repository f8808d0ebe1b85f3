/**
 * Limits the chains of messages that a function sends to the queue that feeds it (Q4). Lambda stops a function after about 16
 * invocations of one chain. Its message then fails until it is a dead letter, although its task only waits.
 *
 * Every row that waits has a due time (T4), so a message that is not sent delays its work and loses nothing. The sweeper
 * sends the next message, which starts a new chain (docs/decisions/0028).
 */
import { MAX_HOPS, type Message, type OutgoingMessage, QUEUE_OF, type QueueName } from "@mjflow/core/message";
import type { Queue } from "@mjflow/core/port";

/** The chain that an invocation continues. */
export interface Chain {
  /** Queue whose message the invocation handles. */
  queue: QueueName;
  /** Number of the message in its chain, from 1. */
  hops: number;
}

/**
 * Returns the dependencies for the handling of one message. Messages to the message's own queue get the next number of
 * the chain. After `MAX_HOPS` they are not sent, and the steps store an early due time instead (`isChainOver`).
 */
export function continueChain<T extends { queue: Pick<Queue, "send"> }>(
  deps: T,
  { type, hops = 1 }: Message,
): T & { chain: Chain } {
  const chain: Chain = { queue: QUEUE_OF[type], hops };
  const send = async (messages: readonly OutgoingMessage[]) => {
    const passed = messages.filter(({ message }) => mayPass(chain, message));
    if (passed.length > 0) await deps.queue.send(passed.map((outgoing) => nextInChain(chain, outgoing)));
  };
  return { ...deps, chain, queue: Object.assign(Object.create(deps.queue), { send }) as T["queue"] };
}

/** The vendor's acceptance of a paid task passes always: it exists nowhere else, and its handling sends no message. */
function mayPass(chain: Chain, { type }: Message): boolean {
  return type === "taken" || !isChainOver({ chain }, QUEUE_OF[type]);
}

function nextInChain({ queue, hops }: Chain, outgoing: OutgoingMessage): OutgoingMessage {
  const { message } = outgoing;
  return QUEUE_OF[message.type] === queue ? { ...outgoing, message: { ...message, hops: hops + 1 } } : outgoing;
}

/** Returns true if an invocation may send no message to this queue. */
export function isChainOver({ chain }: { chain?: Chain | undefined }, queue: QueueName): boolean {
  return chain !== undefined && chain.queue === queue && chain.hops >= MAX_HOPS;
}
