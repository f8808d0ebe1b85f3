/** Finds the name that a person probably meant, for error messages. */

/** Longer texts are no misspelt names. The limit also bounds the work. */
const MAX_LENGTH = 64;

/**
 * Returns the candidate with the fewest edits, if at most a third of its characters differ; otherwise undefined. Upper
 * and lower case are equal. Of several equally near candidates the first is returned.
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    if (candidate.length > MAX_LENGTH) continue;
    const edits = editDistance(text.toLowerCase(), candidate.toLowerCase());
    const isNear = edits <= Math.floor(Math.max(text.length, candidate.length) / 3);
    if (isNear && (best === undefined || edits < best.edits)) best = { candidate, edits };
  }
  return best?.candidate;
}

/** Number of inserted, deleted, replaced or swapped characters (optimal string alignment distance). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      // Before the start of a text there is undefined, which equals no character.
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) edits = Math.min(edits, beforeLast[j - 2]! + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
