import { countsOf } from "@mjflow/core/flow";
import { expect } from "vitest";
import type { SimulationRun } from "../sim/simulation.ts";

/** The vendor took what our tasks say was sent, each once. Some tasks ask nothing of a vendor: tiles are cut here. */
export function expectPaidOnce({ flows, vendor }: SimulationRun): void {
  const tasks = [...flows.values()].flatMap((flow) => flow.tasks);
  expect(vendor.accepted).toHaveLength(countsOf({ rev: 0 }, tasks).submissions);
  expect(tasks.filter(({ attempt }) => attempt > 1)).toEqual([]);
}
