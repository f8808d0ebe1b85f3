/** References to CloudWatch metrics: AWS's metrics of our resources, and the counters of our functions. Pure. */
import type { Metric } from "../packages/core/src/port.ts";

/** @typeParam Name name of a resource: text, or an output that becomes text when the resource is created */
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

/** The capacity units of an index are counted separately; the units of its table do not include them. */
export function tableMetric<Name>(
  TableName: Name,
  metricName: string,
  GlobalSecondaryIndexName?: string,
): MetricRef<Name> {
  const dimensions: Record<string, Name | string> = { TableName };
  if (GlobalSecondaryIndexName !== undefined) dimensions["GlobalSecondaryIndexName"] = GlobalSecondaryIndexName;
  return { namespace: "AWS/DynamoDB", metricName, dimensions };
}

/** @param fn name of the function in `functions/log.ts`, which is the file name of its handler */
export function appMetric(stage: string, fn: string, metricName: Metric): MetricRef {
  return { namespace: "mjflow", metricName, dimensions: { Stage: stage, Function: fn } };
}
