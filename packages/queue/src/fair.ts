/** The order of messages of a fair queue, as SQS documents it for message groups of a standard queue. */

/** The oldest message of a group that is ready. */
export interface GroupHead {
  /** Message group; empty: the message has none and is a group of its own. */
  group: string;
  /** Grows with the age of the queue: a message with a smaller number is older. */
  order: number;
}

/**
 * Chooses the group whose message comes next: the one with the fewest messages in flight, then the one with the oldest
 * message. A group with a thousand messages, or with slow ones, then delays another group by one message at most.
 *
 * @param inFlight number of messages of a group that are in flight
 * @returns undefined if there is no head
 */
export function nextGroup<T extends GroupHead>(heads: Iterable<T>, inFlight: (group: string) => number): T | undefined {
  let best: T | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const head of heads) {
    const count = head.group === "" ? 0 : inFlight(head.group);
    if (count < fewest || (count === fewest && head.order < best!.order)) [best, fewest] = [head, count];
  }
  return best;
}

/**
 * Returns how many of the slots one group may have while so many are free: a third of the free ones, and at least one. One
 * busy group gets a quarter of all slots. Several busy groups share what they leave free, so they never take the last slots
 * from a group that comes later.
 */
export function groupLimit(freeSlots: number): number {
  return Math.max(1, Math.floor(freeSlots / 3));
}
