/** Groups of results by the local day on which they ended. Pure. */

/**
 * @param items with times of the API, which are ISO texts in UTC. Neighbors are mostly of one day, so only a new day is computed: of
 *   60,000 images the dates would take seconds.
 * @returns the start of each day, epoch ms, with its items, in the order of the first one; undefined: they have not ended
 */
export function byDay<T extends { endedAt: string | null }>(items: readonly T[]): Map<number | undefined, T[]> {
  const days = new Map<number | undefined, T[]>();
  let [from, to] = ["", ""];
  let group: T[] = [];
  for (const item of items) {
    const { endedAt } = item;
    if (endedAt === null || endedAt < from || endedAt >= to) {
      const day = endedAt === null ? undefined : startOfDay(new Date(endedAt));
      // The next day is 23 or 25 hours later where the clocks are changed.
      [from, to] = day === undefined ? ["", ""] : [isoOf(day), isoOf(startOfDay(new Date(day), 1))];
      group = days.get(day) ?? [];
      days.set(day, group);
    }
    group.push(item);
  }
  return days;
}

export function startOfDay(date: Date, daysLater = 0): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + daysLater).getTime();
}

const isoOf = (ms: number) => new Date(ms).toISOString();
