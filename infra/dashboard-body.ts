/** The dashboard in CloudWatch's format ("Dashboard Body Structure and Syntax" in its API reference). Pure. */
import type { Metric } from "../packages/core/src/port.ts";
import { appMetric, functionMetric, type MetricRef, queueMetric, tableMetric } from "./metric.ts";

export interface Names {
  region: string;
  stage: string;
  table: string;
  indexes: readonly string[];
  /** Physical names in AWS, by our names. */
  functions: Record<
    "api" | "stream" | "callback" | "submit" | "deliver" | "archive" | "sweep" | "deadletter" | "reduce",
    string
  >;
  queues: Record<"submit" | "deliver" | "archive" | "sweep" | "repair" | "deadLetters", string>;
  /** ARNs. */
  alarms: readonly string[];
}

interface Line {
  measure: MetricRef;
  label: string;
  /** CloudWatch statistic; unset: the sum. */
  stat?: string;
}

/** Three charts fit in a row, because CloudWatch's grid has 24 columns. */
const WIDTH = 8;
const HEIGHT = 6;

/** @returns JSON */
export function dashboardBody({ region, stage, table, indexes, functions, queues, alarms }: Names): string {
  const count = (fn: keyof Names["functions"], ...metrics: Metric[]): Line[] =>
    metrics.map((metric) => ({ measure: appMetric(stage, fn, metric), label: metric }));
  const lambda = (fn: keyof Names["functions"], metric: string, label: string, stat?: string): Line => ({
    measure: functionMetric(functions[fn], metric),
    label,
    ...(stat && { stat }),
  });
  const eachFunction = (metric: string, stat?: string) =>
    (Object.keys(functions) as (keyof Names["functions"])[]).map((fn) => lambda(fn, metric, fn, stat));
  const eachQueue = (metric: string): Line[] =>
    Object.entries(queues).map(([label, name]) => ({ measure: queueMetric(name, metric), label, stat: "Maximum" }));
  const units = (kind: "Read" | "Write"): Line[] => [
    { measure: tableMetric(table, `Consumed${kind}CapacityUnits`), label: kind.toLowerCase() },
    ...indexes.map((index) => ({
      measure: tableMetric(table, `Consumed${kind}CapacityUnits`, index),
      label: `${kind.toLowerCase()}, index ${index}`,
    })),
  ];

  const charts: [title: string, lines: Line[]][] = [
    [
      "Callbacks by kind",
      count(
        "callback",
        "Callbacks",
        "CallbacksDropped",
        "CallbacksRefused",
        "Duplicates",
        "Early",
        "Late",
        "UnknownStatus",
      ),
    ],
    [
      "Callbacks: failures",
      [
        lambda("callback", "Errors", "errors"),
        lambda("callback", "Url5xxCount", "responses 5xx"),
        lambda("callback", "Throttles", "throttled"),
      ],
    ],
    [
      "Callbacks: duration, ms",
      [lambda("callback", "Duration", "p50", "p50"), lambda("callback", "Duration", "p99", "p99")],
    ],
    ["Submissions", count("submit", "Submissions", "Busy", "Unclear", "Unreachable", "Refused")],
    [
      "Longest wait for a vendor account",
      [
        { measure: appMetric(stage, "sweep", "OldestWaitS"), label: "seconds", stat: "Maximum" },
        { measure: appMetric(stage, "sweep", "OldestWaitPercent"), label: "% of its waiting time", stat: "Maximum" },
      ],
    ],
    ["Overdue rows and look-ups", count("sweep", "Overdue", "Lookups", "LookupFailures", "LookupsRefused")],
    [
      "Flows ended, by function",
      (["callback", "sweep", "submit", "archive", "api", "deadletter"] as const).map((fn) => ({
        measure: appMetric(stage, fn, "FlowsEnded"),
        label: fn,
      })),
    ],
    [
      "Deliveries",
      count(
        "deliver",
        "Told",
        "Deliveries",
        "DeliveryFailures",
        "DeliveriesGivenUp",
        "EndpointsDisabled",
        "SecretsUnreadable",
      ),
    ],
    ["Archived images", count("archive", "Archived", "ArchiveFailures")],
    ["Dead-letter messages", count("deadletter", "DeadLetters")],
    ["Age of the oldest message, s", eachQueue("ApproximateAgeOfOldestMessage")],
    ["Waiting messages", eachQueue("ApproximateNumberOfMessagesVisible")],
    ["Table units", [...units("Write"), ...units("Read")]],
    [
      "Table: throttled",
      ["Read", "Write"].map((kind) => ({
        measure: tableMetric(table, `${kind}ThrottleEvents`),
        label: kind.toLowerCase(),
      })),
    ],
    [
      "API",
      [
        lambda("api", "UrlRequestCount", "requests"),
        lambda("api", "Url4xxCount", "responses 4xx"),
        lambda("api", "Url5xxCount", "responses 5xx"),
      ],
    ],
    ["API: duration, ms", [lambda("api", "Duration", "p50", "p50"), lambda("api", "Duration", "p99", "p99")]],
    ["Refused event streams and long polls", count("stream", "StreamsRefused")],
    ["Functions: errors", eachFunction("Errors")],
    ["Functions: concurrent executions", eachFunction("ConcurrentExecutions", "Maximum")],
    ["Functions: throttled", eachFunction("Throttles")],
  ];

  const state = { type: "alarm", x: 0, y: 0, width: 24, height: 4, properties: { title: "Alarms", alarms } };
  const widgets = charts.map(([title, lines], i) => ({
    type: "metric",
    x: (i % 3) * WIDTH,
    y: state.height + Math.floor(i / 3) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: { title, region, view: "timeSeries", stat: "Sum", period: 60, metrics: lines.map(metricOf) },
  }));
  return JSON.stringify({ widgets: [state, ...widgets] });
}

function metricOf({ measure: { namespace, metricName, dimensions }, label, stat }: Line): unknown[] {
  return [namespace, metricName, ...Object.entries(dimensions).flat(), { label, ...(stat && { stat }) }];
}
