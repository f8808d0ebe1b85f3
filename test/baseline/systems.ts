/** The four that are compared, each run on one seed of the same weather. */

import { NO_FAULTS } from "../sim/fault-profile.ts";
import { FLOWS_PER_SEED, faultSetupOf } from "../sim/fault-setup.ts";
import { runSimulation } from "../sim/simulation.ts";
import { type Counters, countOurs, countTheirs } from "./count.ts";
import { runSystem } from "./environment.ts";
import { pollSystem } from "./poll.ts";
import { waitSystem } from "./wait.ts";
import { webhookSystem } from "./webhook.ts";

/** `searching` is mjflow with a vendor whose recent tasks can be listed with our mark on them (midjourney-proxy, trueai). */
export type SystemName = "polling" | "webhook" | "wait" | "mjflow" | "searching";
export const SYSTEMS: readonly SystemName[] = ["polling", "webhook", "wait", "mjflow", "searching"];
const theirs = { polling: pollSystem, webhook: webhookSystem, wait: waitSystem };

export async function runSeed(name: SystemName, seed: number, calm: boolean): Promise<Counters> {
  const options = { seed, flows: FLOWS_PER_SEED, profile: calm ? NO_FAULTS : faultSetupOf(seed).profile };
  if (name === "mjflow") return countOurs(await runSimulation({ ...options, hooks: false }));
  if (name === "searching")
    return countOurs(await runSimulation({ ...options, hooks: false, variant: { searched: true } }));
  return countTheirs(await runSystem(theirs[name], options));
}
