import { countsOf } from "@mjflow/core/flow";
import { expect } from "vitest";
import type { SimulationRun } from "../sim/simulation.ts";

/** Checks that the vendor accepted exactly the submissions of our tasks, each once. Tiles have no submission. */
export function expectPaidOnce({ flows, vendor }: SimulationRun): void {
  const tasks = [...flows.values()].flatMap((flow) => flow.tasks);
  expect(vendor.accepted).toHaveLength(countsOf({ rev: 0 }, tasks).submissions);
  expect(tasks.filter(({ attempt }) => attempt > 1)).toEqual([]);
}
