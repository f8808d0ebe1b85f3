/** Usage and cost of an app by day: a chart, the same numbers as a table, and as a CSV file. */
import type { UsageView } from "@mjflow/core/response";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "../components/problem.tsx";
import { saveText } from "../download.ts";
import { useNow } from "../hooks.ts";
import { Icon } from "../kit/icon.tsx";
import { usd } from "../lib/money.ts";
import { axisMax, csvOf, lastDays, totalOf, type UsageDay } from "../lib/usage.ts";
import { toMjflowError, useIsOperator } from "../queries.ts";
import { useMjflow } from "../session.ts";
import { t } from "../text/page-text.ts";
import { locale } from "../text/text.ts";

/** The API returns the usage of the newest 31 days. */
const RANGES = [7, 14, 31] as const;

export function Usage() {
  const mjflow = useMjflow();
  const isOperator = useIsOperator();
  const [app, setApp] = useState("");
  const [count, setCount] = useState<number>(14);
  const now = useNow(60_000);
  const { data: apps } = useQuery({
    queryKey: ["apps"],
    queryFn: async () => (await mjflow.apps.list().page()).data.filter(({ deletedAt }) => deletedAt === null),
    enabled: isOperator === true,
  });
  const { data, error } = useQuery({
    queryKey: ["usage", app],
    queryFn: () => mjflow.request<UsageView>({ path: "/v1/usage", ...(app && { query: { app } }) }),
    refetchInterval: 60_000,
  });
  if (error) return <Problem error={toMjflowError(error)} />;
  if (!data) return <div className="skeleton setting-soon" />;
  const days = lastDays(data.days, count, now);
  const { flows, settledUsd } = totalOf(days);
  const facts: [string, string][] = [
    [t.usage.inRange(count), usd(settledUsd)],
    [t.usage.flows, flows.toLocaleString(locale())],
    [t.usage.allTime, usd(data.settledUsd)],
    [t.health.reserved, usd(data.reservedUsd)],
    ...(data.balanceUsd === null ? [] : [[t.health.left, usd(data.balanceUsd)] as [string, string]]),
  ];
  return (
    <>
      <div className="head usage-head">
        {apps && apps.length > 0 && (
          <label className="choice">
            <span className="faint small">{t.usage.app}</span>
            <select value={app} onChange={(event) => setApp(event.target.value)}>
              <option value="">{t.usage.ownApp}</option>
              {apps.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <fieldset className="segments" aria-label={t.usage.range}>
          {RANGES.map((each) => (
            <button key={each} type="button" aria-pressed={count === each} onClick={() => setCount(each)}>
              {t.time.days(each)}
            </button>
          ))}
        </fieldset>
        <button
          type="button"
          disabled={!data.counted}
          onClick={() => saveText(csvOf(days), `mjflow-usage-${data.appId}.csv`, "text/csv")}
        >
          <Icon name="download" />
          CSV
        </button>
      </div>
      {!data.counted && <p className="empty">{t.usage.notCounted}</p>}
      {data.counted && (
        <div className="card">
          <dl className="counts">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <Bars days={days} />
          <p className="faint small">{t.usage.about}</p>
          <details>
            <summary>{t.usage.table}</summary>
            <DayTable days={days} />
          </details>
        </div>
      )}
    </>
  );
}

/** Sizes of the chart in its own units. The chart fills the width of the card. */
const CHART = { width: 800, height: 180, left: 52, bottom: 24, top: 10 };

function Bars({ days }: { days: readonly UsageDay[] }) {
  const max = axisMax(Math.max(...days.map(({ settledUsd }) => settledUsd)));
  const plotHeight = CHART.height - CHART.bottom - CHART.top;
  const slot = (CHART.width - CHART.left) / days.length;
  const yOf = (value: number) => CHART.top + plotHeight * (1 - value / max);
  // A label for every day would overlap.
  const every = Math.ceil(days.length / 8);
  const { settledUsd } = totalOf(days);
  return (
    <svg
      className="usage-chart"
      viewBox={`0 0 ${CHART.width} ${CHART.height}`}
      role="img"
      aria-label={t.usage.chart(days.length, usd(settledUsd))}
    >
      {[0, 0.5, 1].map((part) => (
        <g key={part}>
          <line x1={CHART.left} x2={CHART.width} y1={yOf(max * part)} y2={yOf(max * part)} />
          <text x={CHART.left - 8} y={yOf(max * part) + 4} textAnchor="end">
            {usd(max * part)}
          </text>
        </g>
      ))}
      {days.map(({ day, flows, settledUsd: cost }, i) => {
        const x = CHART.left + i * slot;
        const [y, base] = [yOf(cost), yOf(0)];
        return (
          <g key={day}>
            {/* A day with the least cost is still a line. */}
            {cost > 0 && (
              <rect
                className="bar"
                x={x + slot * 0.15}
                width={slot * 0.7}
                y={Math.min(y, base - 1.5)}
                height={Math.max(base - y, 1.5)}
                rx={2}
              />
            )}
            <rect className="hit" x={x} width={slot} y={CHART.top} height={plotHeight}>
              <title>{t.usage.day(dayName(day), usd(cost), flows)}</title>
            </rect>
            {(days.length - 1 - i) % every === 0 && (
              <text x={x + slot / 2} y={CHART.height - 6} textAnchor="middle">
                {dayName(day)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

function DayTable({ days }: { days: readonly UsageDay[] }) {
  const { flows, settledUsd } = totalOf(days);
  return (
    <div className="sheet-scroll">
      <table className="setting-table usage-table fits">
        <thead>
          <tr>
            <th scope="col">{t.usage.dayColumn}</th>
            <th scope="col">{t.usage.flows}</th>
            <th scope="col">{t.usage.cost}</th>
          </tr>
        </thead>
        <tbody>
          {days.toReversed().map(({ day, flows: count, settledUsd: cost }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td className="number">{count.toLocaleString(locale())}</td>
              <td className="number">{usd(cost)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t.usage.total}</th>
            <td className="number">{flows.toLocaleString(locale())}</td>
            <td className="number">{usd(settledUsd)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

/** Day of the month and the month, in the language of the page. The API's days are UTC days. */
function dayName(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(locale(), { day: "numeric", month: "short", timeZone: "UTC" });
}
