/** Result of a mutation run: each mutant is killed, listed as equivalent, or an unexplained survivor. */

export interface Mutant {
  /** Path from the root of the repository. */
  file: string;
  lineNumber: number;
  /** Trimmed source line on which the mutant starts. With `was` and `is` it identifies the mutant if lines move. */
  line: string;
  was: string;
  is: string;
  killed: boolean;
}

/** A mutant that no test can kill, because callers cannot observe a difference. */
export interface EquivalentMutant extends Pick<Mutant, "file" | "line" | "was" | "is"> {
  why: string;
}

export interface Row {
  file: string;
  mutants: number;
  killed: number;
  listed: number;
  survived: number;
}

export interface Verdict {
  rows: Row[];
  survivors: Mutant[];
  /** Entries without effect: their mutant was killed or is no longer in the source. */
  idle: EquivalentMutant[];
}

export function judge(mutants: readonly Mutant[], list: readonly EquivalentMutant[]): Verdict {
  const files = [...new Set(mutants.map(({ file }) => file))].sort();
  const unused = list.filter(({ file }) => files.includes(file));
  const survivors: Mutant[] = [];
  const rows = files.map((file) => {
    const own = mutants.filter((mutant) => mutant.file === file);
    const alive = own.filter(({ killed }) => !killed);
    const unexplained = alive.filter((mutant) => {
      // An entry excuses one mutant only. The same text elsewhere in the file may have another meaning.
      const index = unused.findIndex((entry) => isSame(entry, mutant));
      if (index >= 0) unused.splice(index, 1);
      return index < 0;
    });
    survivors.push(...unexplained);
    return {
      file,
      mutants: own.length,
      killed: own.length - alive.length,
      listed: alive.length - unexplained.length,
      survived: unexplained.length,
    };
  });
  return { rows, survivors, idle: unused };
}

export function isSame(a: Omit<EquivalentMutant, "why">, b: Omit<EquivalentMutant, "why">): boolean {
  return a.file === b.file && a.line === b.line && a.was === b.was && a.is === b.is;
}

/** Share of the mutants that tests notice, percent. Listed mutants do not count. */
export function scoreOf(rows: readonly Row[]): number {
  const { run, noticed, listed } = sumOf(rows);
  return run === listed ? 100 : (100 * noticed) / (run - listed);
}

export function sumOf(rows: readonly Row[]): { run: number; noticed: number; listed: number } {
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  return {
    run: sum(({ mutants }) => mutants),
    noticed: sum(({ killed }) => killed),
    listed: sum(({ listed }) => listed),
  };
}

/** Returns a Markdown table whose last row has the sums. */
export function tableOf(rows: readonly Row[]): string {
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  const total = {
    file: "all",
    mutants: sum((row) => row.mutants),
    killed: sum((row) => row.killed),
    listed: sum((row) => row.listed),
    survived: sum((row) => row.survived),
  };
  const width = Math.max(...rows.map(({ file }) => file.length), 4);
  const cells = ({ file, ...counts }: Row) =>
    `| ${[file.padEnd(width), ...Object.values(counts).map((count) => String(count).padStart(8))].join(" | ")} |`;
  const head = `| ${["file".padEnd(width), ...["mutants", "killed", "listed", "survived"].map((name) => name.padStart(8))].join(" | ")} |`;
  const rule = `| ${["-".repeat(width), ...Array.from({ length: 4 }, () => `${"-".repeat(7)}:`)].join(" | ")} |`;
  return [head, rule, ...rows.map(cells), cells(total)].join("\n");
}
