/**
 * Runs a task for each item, at most `parallel` at one time. The next one starts when any has ended, so no slow item delays a whole
 * group. The first error is thrown.
 */
export async function inParallel<T>(
  items: readonly T[],
  parallel: number,
  run: (item: T, position: number) => Promise<void>,
): Promise<void> {
  const left = [...items.entries()].reverse();
  const worker = async () => {
    for (let next = left.pop(); next; next = left.pop()) await run(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
