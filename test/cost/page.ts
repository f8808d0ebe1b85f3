/** The price page: the cost of a million flows, by listeners, by what clients read, and by how fast vendors respond. */
import { billOf, type Line, type Reads, totalOf } from "./bill.ts";
import type { Measured } from "./measure.ts";
import { SCENARIOS, type ScenarioName } from "./scenario.ts";

export interface PriceRow {
  title: string;
  answerMs: number;
  usdPerMillion: number;
  lines: Line[];
}

/** Rows of the page: which flows, and how their clients read them. */
const ROWS: readonly { name: ScenarioName; answersMs: readonly number[]; reads?: Reads; note?: string }[] = [
  { name: "plain", answersMs: [500, 1_500, 5_000] },
  { name: "plain", answersMs: [1_500], reads: "wait", note: ", the client's `wait()`" },
  { name: "limits", answersMs: [1_500] },
  { name: "oneListener", answersMs: [500, 1_500, 5_000] },
  { name: "threeListeners", answersMs: [500, 1_500, 5_000] },
  { name: "progress", answersMs: [1_500] },
  { name: "compat", answersMs: [1_500], reads: "poll" },
  { name: "archive", answersMs: [1_500] },
  { name: "archiveOneListener", answersMs: [1_500] },
  { name: "archiveLater", answersMs: [1_500] },
];

export type AllMeasured = Partial<Record<ScenarioName, Measured>>;

/** The scenarios that the page needs. */
export const PAGE_SCENARIOS: readonly ScenarioName[] = [...new Set(ROWS.map(({ name }) => name))];

export function priceRows(measured: AllMeasured): PriceRow[] {
  return ROWS.flatMap(({ name, answersMs, reads, note = "" }) => {
    const found = measured[name];
    if (!found) return [];
    return answersMs.map((answerMs) => {
      const lines = billOf(found, { answerMs, ...(reads && { reads }) });
      return { title: SCENARIOS[name].name + note, answerMs, usdPerMillion: totalOf(lines), lines };
    });
  });
}

/** What one flow of a scenario uses. */
export interface CountRow {
  title: string;
  writeUnits: number;
  refusedWriteUnits: number;
  readUnits: number;
  dueWriteUnits: number;
  listWriteUnits: number;
  queueSends: number;
  batches: number;
  callbacks: number;
  posts: number;
  logBytes: number;
}

export function countRows(measured: AllMeasured): CountRow[] {
  return (Object.keys(SCENARIOS) as ScenarioName[]).flatMap((name) => {
    const found = measured[name];
    if (!found) return [];
    const per = (count: number) => count / found.flows;
    const writes = (prefix: string) =>
      Object.entries(found.keys)
        .filter(([kind]) => kind.startsWith(prefix))
        .reduce((sum, [, units]) => sum + per(units.writes), 0);
    return [
      {
        title: SCENARIOS[name].name,
        writeUnits: per(found.writeUnits),
        refusedWriteUnits: per(found.refusedWriteUnits),
        readUnits: per(found.readUnits),
        dueWriteUnits: writes("index due"),
        listWriteUnits: writes("index app"),
        queueSends: per(found.queueSends),
        batches: per(found.submit + found.deliver + found.archive),
        callbacks: per(found.callback),
        posts: per(found.posts),
        logBytes: per(found.logBytes),
      },
    ];
  });
}
