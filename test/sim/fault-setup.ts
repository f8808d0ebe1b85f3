/** Faults, limits and vendor of a seed: half of the seeds have all faults together, each other seed has one fault alone. */
import type { Limits } from "@mjflow/core/app";
import type { ArchiveMode } from "@mjflow/core/archive-mode";
import { ALL_FAULTS, type FaultProfile, NO_FAULTS, singleFault } from "./fault-profile.ts";
import type { SimulationVariant } from "./simulation.ts";
import type { SearchMode } from "./vendor.ts";
import { idempotentWire, type Wire } from "./wire.ts";
import { acedatacloudWire } from "./wire-acedatacloud.ts";
import { legnextWire } from "./wire-legnext.ts";
import { ttapiWire } from "./wire-ttapi.ts";
import { useapiWire } from "./wire-useapi.ts";

export const FLOWS_PER_SEED = 10;
const FAULTS = Object.keys(NO_FAULTS) as (keyof FaultProfile)[];

/** Limits close to the needs of ten flows, so that some flows are rejected. */
export const LIMITS: Limits = { creditsUsd: 4, runningFlows: 8, flowsPerMinute: 20 };

/**
 * What a fault needs to show itself. Look-ups are made only if callbacks are missing.
 */
const COMPANIONS: Partial<Record<keyof FaultProfile, Partial<FaultProfile>>> = {
  junk: { loseCallback: 0.3 },
  frozen: { loseCallback: 0.3 },
  lookupFails: { loseCallback: 0.4 },
  lookupMissing: { loseCallback: 0.4 },
  lookupNoList: { loseCallback: 0.4 },
  lookupRefused: { silent: 1 },
  loseWake: { busySpell: 0.7, busy: 0.2 },
  dispatcherDies: { busySpell: 0.7, busy: 0.2 },
  listRefuses: { busySpell: 0.7, busy: 0.2 },
  listLost: { busySpell: 0.7, busy: 0.2 },
  clockSkew: { busySpell: 0.7, crash: 0.01 },
};

const OFTEN: Partial<Record<keyof FaultProfile, number>> = {
  crash: 0.05,
  dispatcherDies: 0.1,
  listRefuses: 0.1,
  lookupRefused: 0.1,
};

/** One fault often, with what it needs to show itself. */
export function faultAlone(fault: keyof FaultProfile): FaultProfile {
  const often = OFTEN[fault] ?? 0.4;
  return { ...singleFault(fault, often), ...COMPANIONS[fault] };
}

export interface FaultSetup {
  name: string;
  profile: FaultProfile;
  /** Protocol family of the vendor, by its id. */
  family: Family;
  /** The vendor's routes, how submissions can be searched for, and its accounts with their limits. */
  variant: Pick<
    SimulationVariant,
    "wire" | "searched" | "accounts" | "hostOf" | "submitWorkers" | "maxRunning" | "archive"
  >;
  /** Limits of every app; set for about half of the seeds, independent of their faults. */
  limits: Limits | undefined;
}

/** A third of the vendors cannot be searched, a third searches by the mark, a third shows its newest 300 tasks: five minutes. */
const SEARCHED: readonly SearchMode[] = [false, true, { reachMs: 300_000 }];

/**
 * Accounts of the vendor: one, two with a host each, or three of which two share a host. With more than one account the workers
 * that wait for it are limited.
 */
const ACCOUNTS = [["default"], ["a", "b"], ["a", "a2", "b"]] as const;
const SUBMIT_WORKERS = [2, 8, 20] as const;
/** Every second seed has no concurrency limit. */
const MAX_RUNNING = [undefined, 2, undefined, 14] as const;

/** Families with a protocol of their own. */
export const WIRES = {
  ttapi: ttapiWire,
  acedatacloud: acedatacloudWire,
  useapi: useapiWire,
  legnext: legnextWire,
} satisfies Record<string, Wire>;
/** Half of the vendors are of the family midjourney-proxy. */
export type Family = keyof typeof WIRES | "mjproxy" | "idempotent";
const FAMILIES = [...Object.keys(WIRES), ...Array<string>(4).fill("mjproxy")] as Family[];

/** The families have no modal that takes the prompt of a press, and no relay with old rows or damaged bodies is in front of them. */
export const ABSENT = { modal: 0, notYet: 0, frozen: 0, junk: 0 } as const satisfies Partial<FaultProfile>;

/** In every second seed the copies of archived images are sent later, by an event of their own. */
const ARCHIVE: readonly ArchiveMode[] = [true, "later"];

/** Chooses by the seed, independently of the other choices with another factor. */
function choose<T>(seed: number, factor: number, values: readonly T[]): T {
  return values[(Math.imul(seed, factor) >>> 8) % values.length]!;
}

function variantOf(seed: number): FaultSetup["variant"] {
  return {
    searched: choose(seed, 0x85ebca6b, SEARCHED),
    accounts: choose(seed, 0xc2b2ae35, ACCOUNTS),
    hostOf: (account) => `${account[0]}.test`,
    submitWorkers: choose(seed, 0x27d4eb2f, SUBMIT_WORKERS),
    maxRunning: choose(seed, 0x165667b1, MAX_RUNNING),
    archive: choose(seed, 0x61c88647, ARCHIVE),
  };
}

/** @param only family of the vendor; unset: the seed chooses it. The other choices of a seed do not depend on it */
export function faultSetupOf(seed: number, only?: Family): FaultSetup {
  const hash = Math.imul(seed, 0x9e3779b1);
  // Half of the apps with limits have several counters.
  const limits = hash < 0 ? { ...LIMITS, ...(((hash >>> 8) & 1) === 1 && { counters: 3 }) } : undefined;
  const variant = variantOf(seed);
  const fault = seed % 2 === 0 ? undefined : FAULTS[Math.floor(seed / 2) % FAULTS.length]!;
  const [name, profile] = fault === undefined ? ["all faults", ALL_FAULTS] : [fault, faultAlone(fault)];
  const family = only ?? choose(seed, 0x7feb352d, FAMILIES);
  // No seed chooses it, because no known vendor has idempotency keys.
  if (family === "idempotent") return { name, profile, family, variant: { ...variant, wire: idempotentWire }, limits };
  // A fault that the families do not have is tested alone at a vendor that has it.
  if (family === "mjproxy" || (fault !== undefined && Object.hasOwn(ABSENT, fault)))
    return { name, profile, family: "mjproxy", variant, limits };
  // None of their lists is searched by our mark, and Legnext has none at all.
  const isListed = variant.searched !== false && family !== "legnext";
  const searched = isListed ? { reachMs: 300_000 } : false;
  const wired = { ...variant, searched, wire: WIRES[family] };
  return { name, profile: { ...profile, ...ABSENT }, family, variant: wired, limits };
}
