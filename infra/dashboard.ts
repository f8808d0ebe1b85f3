/** The CloudWatch dashboard of the stage. */
import { alarms } from "./alarm.ts";
import { api } from "./api.ts";
import { archive } from "./archive.ts";
import { callback } from "./callback.ts";
import { dashboardBody } from "./dashboard-body.ts";
import { deadletter } from "./deadletter.ts";
import { deliver } from "./deliver.ts";
import { archiveQueue, deadLetters, deliverQueue, repairQueue, submitQueue, sweepQueue } from "./queue.ts";
import { reduce } from "./reduce.ts";
import { stage } from "./stage.ts";
import { stream } from "./stream.ts";
import { submit } from "./submit.ts";
import { sweep } from "./sweep.ts";
import { INDEXES, table } from "./table.ts";

const functions = { api, stream, callback, submit, deliver, archive, sweep, deadletter, reduce };
const queues = {
  submit: submitQueue,
  deliver: deliverQueue,
  archive: archiveQueue,
  sweep: sweepQueue,
  repair: repairQueue,
  deadLetters,
};

new aws.cloudwatch.Dashboard("Dashboard", {
  dashboardName: stage.prefix,
  dashboardBody: $resolve({
    region: aws.getRegionOutput().region,
    table: table.name,
    alarms: $resolve(alarms),
    functions: $resolve(mapped(functions, (fn) => fn.name)),
    queues: $resolve(mapped(queues, (queue) => queue.nodes.queue.name)),
  }).apply((names) => dashboardBody({ stage: stage.name, indexes: INDEXES, ...names })),
});

function mapped<Key extends string, T, R>(values: Record<Key, T>, to: (value: T) => R): Record<Key, R> {
  return Object.fromEntries(Object.entries<T>(values).map(([key, value]) => [key, to(value)])) as Record<Key, R>;
}
