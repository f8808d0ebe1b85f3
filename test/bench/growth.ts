/**
 * `growth` measures the table requests and the duration of each operation with a thousand to a million flows in the
 * table, six rows each. All tables exist at the same time and are measured in turn.
 */
import { type Child, startChild } from "./child.ts";
import type { Answer, Operation, Options, Question, Ready, Sample } from "./growth/measure.ts";
import { median, percentile } from "./stat.ts";

export interface GrowthOptions {
  sizes: readonly number[];
  rounds: number;
  times: number;
}

export interface GrowthRow {
  flows: number;
  operation: Operation;
  requests: number;
  readUnits: number;
  writeUnits: number;
  p50Ms: number;
  p99Ms: number;
}

export interface GrowthFound {
  rounds: number;
  times: number;
  tables: ({ flows: number } & Ready)[];
  rows: GrowthRow[];
}

/** Number of runs before the measurement, for connections, compiled code and pages of the table. */
const WARM_UP_RUNS = 12;

type Table = { flows: number; ready: Ready; child: Child<Question, Answer>; answers: Answer[] };

export async function benchGrowth({ sizes, rounds, times }: GrowthOptions): Promise<GrowthFound> {
  const tables: Table[] = [];
  try {
    for (const flows of sizes) {
      const options: Options = { flows };
      const script = new URL("./growth/measure.ts", import.meta.url);
      const { child, ready } = await startChild<Question, Ready | Answer>(script, options);
      const table = { flows, ready: ready as Ready, child: child as Child<Question, Answer>, answers: [] };
      tables.push(table);
      console.log(`${flows} flows in ${table.ready.loadS.toFixed(1)} s, ${table.ready.tableMb.toFixed(0)} MB`);
      await table.child.ask({ times: WARM_UP_RUNS });
    }
    for (let round = 0; round < rounds; round++) {
      for (const table of tables) table.answers.push(await table.child.ask({ times }));
    }
  } finally {
    await Promise.all(tables.map(({ child }) => child.stop()));
  }
  return {
    rounds,
    times,
    tables: tables.map(({ flows, ready }) => ({ flows, ...ready })),
    rows: tables.flatMap(rowsOf),
  };
}

function rowsOf({ flows, answers }: Table): GrowthRow[] {
  return (Object.keys(answers[0] ?? {}) as Operation[]).map((operation) => {
    const samples = answers.flatMap((answer) => answer[operation]);
    const mean = (of: (sample: Sample) => number) =>
      samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const durations = samples.map(({ ms }) => ms);
    return {
      flows,
      operation,
      requests: mean(({ requests }) => requests),
      readUnits: mean(({ readUnits }) => readUnits),
      writeUnits: mean(({ writeUnits }) => writeUnits),
      p50Ms: median(durations),
      p99Ms: percentile(durations, 0.99),
    };
  });
}
