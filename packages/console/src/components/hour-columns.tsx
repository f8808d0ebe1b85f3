/** The last 24 hours of a vendor account: a column for each hour, the sums in words, and the same numbers as a table. */
import type { AccountHour } from "@mjflow/client";
import { useNow } from "../hooks.ts";
import { type HourColumn, hourColumns, hourSums, percentOf } from "../lib/account-hours.ts";
import { duration } from "../lib/time.ts";
import { t } from "../text/page-text.ts";
import { locale } from "../text/text.ts";

const [WIDTH, HEIGHT] = [240, 36];
const SLOT = WIDTH / 24;

export function HourColumns({ hours }: { hours: readonly AccountHour[] }) {
  const columns = hourColumns(hours, useNow(60_000));
  const { tasks, failed, success, meanMs } = hourSums(columns);
  if (success === undefined) return null;
  const words = t.hours.sums(percentOf(success), tasks, meanMs === undefined ? undefined : duration(meanMs));
  return (
    <div className="hours">
      <Chart columns={columns} label={`${t.hours.last} ${words}`} />
      <p className="small number hours-words">
        <strong className={failed > 0 ? "bad" : "ok"}>{percentOf(success)}</strong>{" "}
        <span className="faint">
          {t.hours.ofTasks(tasks)}
          {meanMs !== undefined && ` · ${t.hours.mean(duration(meanMs))}`}
        </span>
      </p>
      <details className="small">
        <summary>{t.usage.table}</summary>
        <Table columns={columns} />
      </details>
    </div>
  );
}

function Chart({ columns, label }: { columns: readonly HourColumn[]; label: string }) {
  const most = Math.max(...columns.map(({ succeeded, failed }) => succeeded + failed));
  const heightOf = (count: number) => (count === 0 ? 0 : Math.max(1.5, (count / most) * HEIGHT));
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {columns.map((column, i) => {
        const [ok, bad] = [heightOf(column.succeeded), heightOf(column.failed)];
        const total = Math.min(HEIGHT, ok + bad);
        return (
          <g key={column.at}>
            <rect className="ground" x={i * SLOT + 1} width={SLOT - 2} y={HEIGHT - 1} height={1} />
            <rect
              className="ok"
              x={i * SLOT + 1}
              width={SLOT - 2}
              y={HEIGHT - total + bad}
              height={total - bad}
              rx={1}
            />
            <rect className="bad" x={i * SLOT + 1} width={SLOT - 2} y={HEIGHT - total} height={bad} rx={1} />
            <rect className="hit" x={i * SLOT} width={SLOT} y={0} height={HEIGHT}>
              <title>{hourText(column)}</title>
            </rect>
          </g>
        );
      })}
    </svg>
  );
}

function hourText({ at, succeeded, failed, meanMs }: HourColumn): string {
  return t.hours.hour(clockOf(at), succeeded, failed, meanMs === null ? undefined : duration(meanMs));
}

/** The hour in the time of this browser. */
function clockOf(at: number): string {
  return new Date(at).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
}

/** Only hours with tasks, the newest first. */
function Table({ columns }: { columns: readonly HourColumn[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{t.hours.from}</th>
          <th scope="col">{t.hours.succeeded}</th>
          <th scope="col">{t.hours.failed}</th>
          <th scope="col">{t.hours.meanTime}</th>
        </tr>
      </thead>
      <tbody>
        {columns
          .filter(({ succeeded, failed }) => succeeded + failed > 0)
          .toReversed()
          .map(({ at, succeeded, failed, meanMs }) => (
            <tr key={at}>
              <th scope="row">{clockOf(at)}</th>
              <td className="number">{succeeded.toLocaleString(locale())}</td>
              <td className="number">{failed.toLocaleString(locale())}</td>
              <td className="number">{meanMs === null ? "–" : duration(meanMs)}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
