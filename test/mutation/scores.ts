/** The scores that `npm run mutate -- <package> --record` keeps, and their table in docs/reliability.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { intervalOf } from "./sample.ts";

export interface Score {
  /** UTC day, YYYY-MM-DD. */
  date: string;
  commit: string;
  package: string;
  /** Mutants of the whole package. */
  mutants: number;
  /** Mutants that were run, and the seed that chose them; without a seed all were. */
  run: number;
  seed?: number;
  noticed: number;
  /** Mutants that no test can notice. */
  listed: number;
}

const SCORES = new URL("scores.json", import.meta.url);
const DOCUMENT = new URL("../../docs/reliability.md", import.meta.url);
const MARKED = /(<!-- mutation scores -->\n)[\s\S]*?(<!-- \/mutation scores -->)/;

export function scores(): Score[] {
  return JSON.parse(readFileSync(SCORES, "utf8")) as Score[];
}

/** Adds the score, or replaces the one of the same package, commit and seed. */
export function record(score: Score): void {
  const others = scores().filter((known) => !isSameRun(known, score));
  const all = [...others, score];
  writeFileSync(SCORES, `[\n${all.map((each) => `  ${JSON.stringify(each)}`).join(",\n")}\n]\n`);
  writeFileSync(DOCUMENT, withScores(readFileSync(DOCUMENT, "utf8"), all));
}

function isSameRun(a: Score, b: Score): boolean {
  return a.package === b.package && a.commit === b.commit && a.seed === b.seed;
}

export function withScores(document: string, all: readonly Score[]): string {
  if (!MARKED.test(document)) throw new Error("docs/reliability.md does not have the marks of the mutation scores");
  return document.replace(MARKED, (_, open: string, close: string) => `${open}${scoreTable(all)}\n${close}`);
}

export function scoreTable(all: readonly Score[]): string {
  const rows = all.map(({ date, commit, package: name, mutants, run, seed, noticed, listed }) => {
    const { from, to } = intervalOf(noticed, run - listed);
    const sample = seed === undefined ? "all" : `${run}, seed ${seed}`;
    const between = seed === undefined ? "" : `${from.toFixed(0)} to ${to.toFixed(0)} %`;
    const share = `${((100 * noticed) / (run - listed)).toFixed(1)} %`;
    return [
      name,
      date,
      `\`${commit}\``,
      mutants.toLocaleString("en"),
      sample,
      String(noticed),
      String(listed),
      share,
      between,
    ];
  });
  return [
    "| package | date | commit | mutants | run | noticed | no test can | share noticed | 95 of 100 samples: between |",
    "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | --- |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}
