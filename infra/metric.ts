/** What is measured, by its CloudWatch name: AWS's own metrics of our resources, and what our functions count. Pure. */
import type { Metric } from "../packages/core/src/port.ts";

/** @typeParam Name of a resource: text, or what will be text once it is made */
export interface MetricRef<Name = string> {
  namespace: string;
  metricName: string;
  dimensions: Record<string, Name | string>;
}

export function functionMetric<Name>(FunctionName: Name, metricName: string): MetricRef<Name> {
  return { namespace: "AWS/Lambda", metricName, dimensions: { FunctionName } };
}

export function queueMetric<Name>(QueueName: Name, metricName: string): MetricRef<Name> {
  return { namespace: "AWS/SQS", metricName, dimensions: { QueueName } };
}

/** An index has units of its own, which are not among its table's. */
export function tableMetric<Name>(
  TableName: Name,
  metricName: string,
  GlobalSecondaryIndexName?: string,
): MetricRef<Name> {
  const dimensions: Record<string, Name | string> = { TableName };
  if (GlobalSecondaryIndexName !== undefined) dimensions["GlobalSecondaryIndexName"] = GlobalSecondaryIndexName;
  return { namespace: "AWS/DynamoDB", metricName, dimensions };
}

/** @param fn as `functions/log.ts` names it: a handler's file */
export function appMetric(stage: string, fn: string, metricName: Metric): MetricRef {
  return { namespace: "mjflow", metricName, dimensions: { Stage: stage, Function: fn } };
}
