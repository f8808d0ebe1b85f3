/** The systems that are compared. Each runs on a seed with the same faults. */

import { NO_FAULTS } from "../sim/fault-profile.ts";
import { FLOWS_PER_SEED, faultSetupOf } from "../sim/fault-setup.ts";
import { runSimulation } from "../sim/simulation.ts";
import { type Counters, countOurs, countTheirs } from "./count.ts";
import { runSystem } from "./environment.ts";
import { pollSystem } from "./poll.ts";
import { waitSystem } from "./wait.ts";
import { webhookSystem } from "./webhook.ts";

/** `searching` is mjflow with a vendor that lists recent tasks with our `state` (midjourney-proxy, trueai). */
export type SystemName = "polling" | "webhook" | "wait" | "mjflow" | "searching";
export const SYSTEMS: readonly SystemName[] = ["polling", "webhook", "wait", "mjflow", "searching"];
const theirs = { polling: pollSystem, webhook: webhookSystem, wait: waitSystem };

export async function runSeed(name: SystemName, seed: number, withoutFaults: boolean): Promise<Counters> {
  const options = { seed, flows: FLOWS_PER_SEED, profile: withoutFaults ? NO_FAULTS : faultSetupOf(seed).profile };
  if (name === "mjflow") return countOurs(await runSimulation({ ...options, hooks: false }));
  if (name === "searching")
    return countOurs(await runSimulation({ ...options, hooks: false, variant: { searched: true } }));
  return countTheirs(await runSystem(theirs[name], options));
}
