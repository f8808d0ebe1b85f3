import { all, type Infra, type Rule, some } from "../model.ts";
import { type Watched, wrongNames } from "../watched.ts";

interface Widget {
  type: string;
  x: number;
  y: number;
  width: number;
  height: number;
  properties: { region?: string; metrics?: unknown[][]; alarms?: string[] };
}

function widgetsOf(infra: Infra): Widget[] {
  return some(infra, "aws:cloudwatch/dashboard:Dashboard").flatMap(
    ({ inputs }) => (JSON.parse(inputs.dashboardBody) as { widgets: Widget[] }).widgets,
  );
}

/** Metrics of all charts. CloudWatch writes a metric as [namespace, name, dimension, value, …, options]. */
export function metricsOfDashboard(infra: Infra): Watched[] {
  return widgetsOf(infra).flatMap(({ properties: { metrics = [] } }) =>
    metrics.map((metric) => {
      const [namespace = "", metricName = "", ...rest] = metric.filter((part) => typeof part === "string");
      const dimensions: Record<string, string> = {};
      for (let i = 0; i < rest.length; i += 2) dimensions[rest[i]!] = rest[i + 1] ?? "";
      return { namespace, metricName, dimensions };
    }),
  );
}

export const dashboardMetricsExist: Rule = (infra) => [
  ...metricsOfDashboard(infra).flatMap((shown) => wrongNames(infra, shown).map((why) => `The dashboard shows ${why}`)),
  ...widgetsOf(infra)
    .filter(({ type, properties: { metrics, region } }) => type === "metric" && !(metrics?.length && region))
    .map(({ x, y }) => `The dashboard's chart at ${x}, ${y} is empty`),
];

/** CloudWatch rejects charts outside its 24 columns and moves charts that overlap. */
export const dashboardFits: Rule = (infra) => {
  const widgets = widgetsOf(infra);
  const overlap = (a: Widget, b: Widget) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  return widgets.flatMap((widget, i) => [
    ...(widget.x + widget.width <= 24 ? [] : [`The chart at ${widget.x}, ${widget.y} is wider than the dashboard`]),
    ...widgets
      .slice(0, i)
      .flatMap((other) => (overlap(widget, other) ? [`Two charts overlap at ${widget.x}, ${widget.y}`] : [])),
  ]);
};

/** The dashboard shows what an operator needs after an alarm: the metrics of the alarms and the alarms themselves. */
export const dashboardShowsAllAlarms: Rule = (infra) => {
  const shown = metricsOfDashboard(infra).map(({ metricName, dimensions }) =>
    [metricName, ...Object.values(dimensions)].join(" "),
  );
  const alarms = all(infra, "aws:cloudwatch/metricAlarm:MetricAlarm");
  const listed = new Set(widgetsOf(infra).flatMap(({ properties }) => properties.alarms ?? []));
  const queues = some(infra, "aws:sqs/queue:Queue").map(({ inputs }) => inputs.name);
  const functions = some(infra, "aws:lambda/function:Function").map(({ inputs }) => inputs.name);
  const wanted = [
    ...["Callbacks", "CallbacksDropped", "CallbacksRefused", "Duplicates", "Late"].map(
      (m) => `${m} ${infra.stage} callback`,
    ),
    ...["Submissions", "Busy", "Unclear", "Unreachable", "Refused"].map((m) => `${m} ${infra.stage} submit`),
    ...["Overdue", "LookupFailures", "LookupsRefused", "OldestWaitS", "OldestWaitPercent"].map(
      (m) => `${m} ${infra.stage} sweep`,
    ),
    ...["Deliveries", "DeliveriesGivenUp", "EndpointsDisabled", "SecretsUnreadable"].map(
      (m) => `${m} ${infra.stage} deliver`,
    ),
    ...queues.flatMap((name) => [
      `ApproximateAgeOfOldestMessage ${name}`,
      `ApproximateNumberOfMessagesVisible ${name}`,
    ]),
    ...functions.map((name) => `Errors ${name}`),
    ...some(infra, "aws:dynamodb/table:Table").flatMap(({ inputs: { name, globalSecondaryIndexes } }) => [
      `ConsumedWriteCapacityUnits ${name}`,
      ...globalSecondaryIndexes.map((index) => `ConsumedWriteCapacityUnits ${name} ${index.name}`),
    ]),
  ];
  return [
    ...wanted.filter((line) => !shown.includes(line)).map((line) => `The dashboard lacks ${line}`),
    ...alarms.filter(({ arn }) => !listed.has(arn ?? "")).map(({ name }) => `The dashboard lacks the alarm ${name}`),
  ];
};
