/** The sizes of the table in docs/operations.md. */
import { readFileSync } from "node:fs";
import { type Sizes, sizesOf } from "../../infra/size.ts";

export interface SizeRow {
  flowsPerS: number;
  sizes: Sizes;
  /** Write units per second that AWS grants the table. */
  tableQuota: number;
  /** Credit counters of the largest app with limits. */
  creditCounters: number;
}

const COLUMNS = [
  "MJFLOW_CALLBACK_CONCURRENCY",
  "MJFLOW_SUBMIT_CONCURRENCY",
  "MJFLOW_DELIVER_CONCURRENCY",
  "MJFLOW_ARCHIVE_CONCURRENCY",
  "MJFLOW_SWEEP_CONCURRENCY",
  "MJFLOW_DUE_SHARDS",
  "MJFLOW_LAMBDA_QUOTA",
  "MJFLOW_WARM_WRITE_UNITS",
  "MJFLOW_ALARM_WRITE_UNITS",
] as const;

/** @throws Error if a deployment with these sizes would stop */
export function sizeRows(): SizeRow[] {
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("\n## Sizes\n");
  const rows = section.split("\n").filter((line) => /^\| [\d,]+ \|/.test(line));
  return rows.slice(0, 3).map((line) => {
    const cells = line.split("|").map((cell) => cell.trim().replaceAll(",", ""));
    const [flowsPerS, ...values] = cells.slice(1, -1);
    const env = Object.fromEntries(COLUMNS.map((name, i) => [name, values[i] === "unset" ? undefined : values[i]]));
    const [tableQuota, creditCounters] = values.slice(COLUMNS.length).map(Number) as [number, number];
    return { flowsPerS: Number(flowsPerS), sizes: sizesOf(true, env), tableQuota, creditCounters };
  });
}
