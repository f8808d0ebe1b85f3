/** Metrics of alarms and charts, and a check that they exist. */
import { readdirSync, readFileSync } from "node:fs";
import { all, type Infra } from "./model.ts";

export interface Watched {
  namespace: string;
  metricName: string;
  dimensions: Record<string, string>;
}

/** Names of our own metrics. A type has no values at run time, so its source text is read. */
const METRICS = namesIn(["../../packages/core/src/port.ts"], /export type Metric =([^;]+);/, /"(\w+)"/g);

/** Names under which the handlers log. */
const FUNCTIONS = namesIn(compositionFiles(), /^([\s\S]+)$/, /\bbaseDeps\("(\w+)"\)/g);

/** All files that read the links and the environment of a deployment. */
export function compositionFiles(): string[] {
  const folder = "../../functions/composition/";
  return readdirSync(new URL(folder, import.meta.url)).map((file) => folder + file);
}

function namesIn(files: readonly string[], part: RegExp, name: RegExp): Set<string> {
  const names = files.flatMap((file) => {
    const [, text = ""] = part.exec(readFileSync(new URL(file, import.meta.url), "utf8")) ?? [];
    return [...text.matchAll(name)].map(([, found]) => found!);
  });
  if (names.length === 0) throw new Error(`No name found in ${files}`);
  return new Set(names);
}

/** @returns descriptions of names that do not exist or belong to another stage */
export function wrongNames(infra: Infra, { namespace, metricName, dimensions }: Watched): string[] {
  if (namespace === "mjflow") {
    const { Stage, Function: fn = "", ...more } = dimensions;
    return [
      ...(Stage === infra.stage ? [] : [`stage ${Stage}`]),
      ...(FUNCTIONS.has(fn) ? [] : [`function ${fn}`]),
      ...(METRICS.has(metricName) ? [] : [`${metricName}, which no function counts`]),
      ...Object.keys(more).map((name) => `dimension ${name}, which none of our metrics has`),
    ];
  }
  const names: Record<string, Set<string>> = {
    FunctionName: new Set(all(infra, "aws:lambda/function:Function").map(({ inputs }) => inputs.name)),
    QueueName: new Set(all(infra, "aws:sqs/queue:Queue").map(({ inputs }) => inputs.name)),
    TableName: new Set(all(infra, "aws:dynamodb/table:Table").map(({ inputs }) => inputs.name)),
    GlobalSecondaryIndexName: new Set(
      all(infra, "aws:dynamodb/table:Table").flatMap(({ inputs }) =>
        inputs.globalSecondaryIndexes.map(({ name }) => name),
      ),
    ),
  };
  const expected = { "AWS/Lambda": "FunctionName", "AWS/SQS": "QueueName", "AWS/DynamoDB": "TableName" }[namespace];
  return [
    ...(expected !== undefined && expected in dimensions ? [] : [`${namespace} without a resource`]),
    ...Object.entries(dimensions)
      .filter(([dimension, value]) => !names[dimension]?.has(value))
      .map(([dimension, value]) => `${dimension} ${value}, which is not registered`),
  ];
}
