/** The systems that are compared. Each runs on a seed with the same faults. */

import { NO_FAULTS } from "../sim/fault-profile.ts";
import { FLOWS_PER_SEED, faultSetupOf } from "../sim/fault-setup.ts";
import { runSimulation } from "../sim/simulation.ts";
import { type Counters, countOurs, countTheirs } from "./count.ts";
import { runSystem } from "./environment.ts";
import { pollSystem } from "./poll.ts";
import { waitSystem } from "./wait.ts";
import { webhookSystem } from "./webhook.ts";

/**
 * `searching` is mjflow with a vendor that searches by our `state` (midjourney-proxy plus). With `listing` the vendor lists
 * its newest 300 tasks, and the account takes 60 tasks a minute (trueai, busy).
 */
export type SystemName = "polling" | "webhook" | "wait" | "mjflow" | "listing" | "searching";
export const SYSTEMS: readonly SystemName[] = ["polling", "webhook", "wait", "mjflow", "listing", "searching"];
const SEARCHED = { searching: true, listing: { reachMs: (300 / 60) * 60_000 } };
const theirs = { polling: pollSystem, webhook: webhookSystem, wait: waitSystem };

export async function runSeed(name: SystemName, seed: number, withoutFaults: boolean): Promise<Counters> {
  const options = { seed, flows: FLOWS_PER_SEED, profile: withoutFaults ? NO_FAULTS : faultSetupOf(seed).profile };
  if (name === "mjflow") return countOurs(await runSimulation({ ...options, hooks: false }));
  if (name === "searching" || name === "listing") {
    return countOurs(await runSimulation({ ...options, hooks: false, variant: { searched: SEARCHED[name] } }));
  }
  return countTheirs(await runSystem(theirs[name], options));
}
