/** Versions of the code that share one table: the current one, frozen earlier ones, and variants with fewer or more fields. */
// createFlow loads it on demand. The simulated time does not wait for a file that is read.
import "@mjflow/engine/translate";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Store } from "@mjflow/core/port";
import { type Item, keyOf } from "@mjflow/store/codec";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { FLOW, TASK } from "@mjflow/store/item";
import { refOf } from "@mjflow/store/keys";
import { createRng } from "../../sim/random.ts";
import { CURRENT_VERSION, type SimulationVariant, START, type Version } from "../../sim/simulation.ts";
import { createMemoryTable, type MemoryTable } from "../../support/memory/table.ts";
import { clientOver, type Lens } from "./client.ts";
import { withEarlierNames } from "./earlier-names.ts";

export const EARLIER = ["2026-11-21"] as const;

type Code = Version["code"];
type OpenStore = (deps: { client: DynamoDBClient; table: string; now: () => number }) => Store;

/** A version of the code, and how to open it over a table. */
export interface Release {
  name: string;
  code: Code;
  open: OpenStore;
  lens?: Lens;
}

/** The current version with the layout of the due index that earlier versions read. A setting writes the new layout. */
export const today: Release = {
  name: "the current version",
  code: CURRENT_VERSION,
  open: (deps) => createDynamoStore({ ...deps, dueShards: 0 }),
};

/** The current version with another number of shards: as during the deployment that changes the setting. */
export const sharded: Release = {
  ...today,
  name: "32 shards",
  open: (deps) => createDynamoStore({ ...deps, dueShards: 32 }),
};

/** The current version with a setting for the delivery log of new flows, as before and after the setting is removed. */
export function withDeliveryLog(deliveryLog: boolean): Release {
  const createFlow: Code["createFlow"] = (deps, appId, request, defaults, chosen) =>
    CURRENT_VERSION.createFlow(deps, appId, request, { ...defaults, deliveryLog }, chosen);
  const name = deliveryLog ? "with delivery logs" : "without delivery logs";
  return { ...today, name, code: { ...CURRENT_VERSION, createFlow } };
}

/** The current version with an API that archives later whatever is to be archived. */
export const archivingLater: Release = {
  ...today,
  name: "archiving later",
  code: {
    ...CURRENT_VERSION,
    createFlow: (deps, appId, request, defaults, chosen) =>
      CURRENT_VERSION.createFlow(deps, appId, request, { ...defaults, archive: defaults.archive && "later" }, chosen),
  },
};

/** The current version with an API that translates every prompt. */
export const translating: Release = {
  ...today,
  name: "translating",
  code: {
    ...CURRENT_VERSION,
    createFlow(deps, appId, request, defaults, chosen) {
      const translator = { translate: async (texts: readonly string[]) => texts.map((text) => `translated ${text}`) };
      return CURRENT_VERSION.createFlow(
        { ...deps, translator },
        appId,
        request,
        { ...defaults, translate: true },
        chosen,
      );
    },
  },
};

export async function earlier(name: (typeof EARLIER)[number]): Promise<Release> {
  const frozen = (await import(new URL(`${name}.mjs`, import.meta.url).href)) as Code & {
    createDynamoStore: OpenStore;
  };
  return { name, code: withEarlierNames(frozen), open: frozen.createDynamoStore };
}

/**
 * Returns the current code as a version that does not know `fields` yet. The version writes no such attribute of its own,
 * and reads those attributes under names that it does not know.
 */
export function without(fields: readonly string[]): Release {
  const strange = (attribute: string) => `${attribute}~`;
  const lens: Lens = {
    put(item) {
      const kept = Object.entries(item).filter(([attribute]) => !fields.includes(attribute));
      return Object.fromEntries(kept.map(([name, value]) => [plain(name), value]));
    },
    got: (item) =>
      Object.fromEntries(
        Object.entries(item).map(([name, value]) => [fields.includes(name) ? strange(name) : name, value]),
      ),
  };
  const plain = (name: string) => (name.endsWith("~") ? name.slice(0, -1) : name);
  return { ...today, name: `without ${fields.join(", ")}`, lens };
}

export const NEWER_ATTRIBUTE = "newer";

/** The current code with one more attribute on every row: the number of times that the row was written. */
export const newer: Release = {
  ...today,
  name: "newer",
  lens: {
    put: (item, before) => ({
      ...item,
      [NEWER_ATTRIBUTE]: { N: String(Number(before?.[NEWER_ATTRIBUTE]?.N ?? 0) + 1) },
    }),
    got: ({ [NEWER_ATTRIBUTE]: _, ...item }) => item,
  },
};

export interface Mixture {
  table: MemoryTable;
  variant: SimulationVariant;
  /** Number of processes by the name of the release that ran them. */
  ran: Map<string, number>;
  /** One line for each attribute of `watched` that a write removed from a row. */
  lost: string[];
}

/** Each process runs one of the releases, chosen by the seed, as during a deployment or a rollback. */
export function mixtureOf(releases: readonly Release[], seed: number, watched: readonly string[] = []): Mixture {
  const rng = createRng(seed);
  const lost: string[] = [];
  const plain = createMemoryTable();
  const table = watched.length > 0 ? watchedTable(plain, watched, lost) : plain;
  // Rows expire after 35 days, and a simulation lasts one day.
  const now = () => START;
  const versions = releases.map(({ code, open, lens }) => ({
    code,
    store: open({ client: clientOver(table, lens), table: "mjflow", now }),
  }));
  const ran = new Map(releases.map(({ name }) => [name, 0]));
  const simulationVariant: SimulationVariant = {
    table,
    earlierCode: releases.some(({ code }) => code !== CURRENT_VERSION),
    dueShards: 0,
    versionOf() {
      const n = rng.int(0, releases.length - 1);
      ran.set(releases[n]!.name, ran.get(releases[n]!.name)! + 1);
      return versions[n]!;
    },
    dump: () => dumpOf(table),
    // The log comes one release after the code that reads it (docs/decisions/0032), so no frozen version meets one.
    deliveryLog: false,
  };
  return { table, variant: simulationVariant, ran, lost };
}

export function dumpOf(table: MemoryTable) {
  const items = table.dump();
  const kindOf = (item: Item) => refOf(keyOf(item))?.kind;
  return {
    flows: items.filter((item) => kindOf(item) === "flow").map(FLOW.ofItem),
    tasks: items.filter((item) => kindOf(item) === "task").map(TASK.ofItem),
  };
}

function watchedTable(table: MemoryTable, watched: readonly string[], lost: string[]): MemoryTable {
  return {
    ...table,
    async put(item, rev) {
      const before = rev === undefined ? undefined : await table.get(keyOf(item));
      const outcome = await table.put(item, rev);
      if (outcome.ok && before) {
        const gone = watched.filter((attribute) => before[attribute] && !item[attribute]);
        lost.push(...gone.map((attribute) => `${keyOf(item).sk} lost ${attribute} at revision ${item["rev"]?.N}`));
      }
      return outcome;
    },
  };
}
