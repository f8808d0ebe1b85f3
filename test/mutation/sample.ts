/**
 * A random sample of the mutants of a package. A whole run of engine takes most of a day, because each mutant that
 * survives has run every test that reaches it. The share that is noticed in a sample is an estimate with a known error.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Instrumenter } from "@stryker-mutator/instrumenter";

/** Lines and columns start at 0, the end is exclusive. */
interface Place {
  start: { line: number; column: number };
  end: { line: number; column: number };
}

export interface Candidate {
  file: string;
  /** Location in Stryker's format: lines start at 1, columns at 0. */
  range: string;
  mutator: string;
  is: string;
  /** Source text from the start of the line. It names the mutant when lines move. */
  line: string;
}

/** All mutants of the files, of every kind that Stryker knows. */
export async function mutantsOf(root: string, files: readonly string[]): Promise<Candidate[]> {
  const sources = new Map(files.map((file) => [join(root, file), readFileSync(join(root, file), "utf8")]));
  const silent = { isDebugEnabled: () => false, debug() {}, info() {}, warn() {} };
  const { mutants } = await new Instrumenter(silent as never).instrument(
    [...sources].map(([name, content]) => ({ name, content, mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [] },
  );
  return mutants
    .filter(({ status }) => status === undefined)
    .map(({ fileName, location, mutatorName, replacement }) => ({
      file: fileName.slice(root.length).replace(/^\//, ""),
      range: rangeOf(fileName.slice(root.length).replace(/^\//, ""), location),
      mutator: mutatorName,
      is: replacement,
      line: sources.get(fileName)!.split("\n")[location.start.line]!.trim(),
    }));
}

export function rangeOf(file: string, { start, end }: Place): string {
  return `${file}:${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`;
}

export function keyOf({ range, mutator, is }: Pick<Candidate, "range" | "mutator" | "is">): string {
  return `${range} ${mutator} ${is}`;
}

/**
 * Returns `size` of the mutants. The seed alone chooses them, by a hash of their text: a change of one file leaves most of
 * the sample as it was.
 */
export function sampleOf(mutants: readonly Candidate[], size: number, seed: number): Candidate[] {
  const seen = new Map<string, number>();
  const ranked = mutants.map((mutant) => {
    const text = [mutant.file, mutant.line, mutant.mutator, mutant.is].join("\n");
    const twin = seen.get(text) ?? 0;
    seen.set(text, twin + 1);
    return { mutant, rank: createHash("sha256").update(`${seed}\n${twin}\n${text}`).digest("hex") };
  });
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked.slice(0, size).map(({ mutant }) => mutant);
}

/**
 * Wilson's interval: the share of the whole lies in it for 95 of 100 samples. Percent.
 * https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
 */
export function intervalOf(noticed: number, size: number): { from: number; to: number } {
  if (size === 0) return { from: 0, to: 100 };
  const z = 1.96;
  const share = noticed / size;
  const middle = (share + z ** 2 / (2 * size)) / (1 + z ** 2 / size);
  const half = (z / (1 + z ** 2 / size)) * Math.sqrt((share * (1 - share)) / size + z ** 2 / (4 * size ** 2));
  return { from: 100 * Math.max(0, middle - half), to: 100 * Math.min(1, middle + half) };
}
