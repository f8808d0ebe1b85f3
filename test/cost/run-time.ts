/**
 * How long one invocation of each function runs at AWS, ms. It is the sum of its CPU time, its requests to AWS in
 * order, and its wait for others. Memory decides about the share of a processor. `test/cost/cpu.ts` measures the CPU times.
 */
import price from "./price.json" with { type: "json" };

const { cpuMs, requestsInOrder, awsRequestMs, receiverMs, memoryMb } = price.assumed;
/** AWS: a function has the equivalent of one processor at 1,769 MB, and in proportion with less. */
const PROCESSOR_MB = 1_769;

type Name = keyof typeof requestsInOrder;

function ownMs(name: Name, fn: keyof typeof memoryMb): number {
  return cpuMs[name] / Math.min(1, memoryMb[fn] / PROCESSOR_MB) + requestsInOrder[name] * awsRequestMs;
}

export const RUN_MS = {
  api: ownMs("create", "api"),
  read: ownMs("read", "api"),
  /** Without the wait for the vendor. */
  submitOwn: ownMs("submit", "submit"),
  callbackDropped: ownMs("callbackDropped", "callback"),
  callbackRecorded: ownMs("callbackRecorded", "callback"),
  /** With the wait for the slowest receiver. */
  deliver: ownMs("deliver", "deliver") + receiverMs,
  archive: price.assumed.archiveMs,
};
