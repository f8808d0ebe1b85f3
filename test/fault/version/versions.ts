/** Versions of the code over one table: today's, frozen earlier ones, and ones made up by what they know of a row. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Store } from "@mjflow/core/port";
import { type Item, keyOf } from "@mjflow/store/codec";
import { createDynamoStore } from "@mjflow/store/dynamo";
import { itemToFlow, itemToTask } from "@mjflow/store/item";
import { refOf } from "@mjflow/store/keys";
import { createMemoryTable, type MemoryTable } from "@mjflow/store/memory-table";
import { createRng } from "../../sim/random.ts";
import { CURRENT_VERSION, type SimulationVariant, START, type Version } from "../../sim/simulation.ts";
import { clientOver, type Lens } from "./client.ts";
import { withEarlierNames } from "./earlier-names.ts";

export const EARLIER = ["2026-11-21"] as const;

type Code = Version["code"];
type OpenStore = (deps: { client: DynamoDBClient; table: string; now: () => number }) => Store;

/** A version of the code, to be opened over a table. */
export interface Release {
  name: string;
  code: Code;
  open: OpenStore;
  lens?: Lens;
}

export const today: Release = { name: "today's", code: CURRENT_VERSION, open: createDynamoStore };

export async function earlier(name: (typeof EARLIER)[number]): Promise<Release> {
  const frozen = (await import(new URL(`${name}.mjs`, import.meta.url).href)) as Code & {
    createDynamoStore: OpenStore;
  };
  return { name, code: withEarlierNames(frozen), open: frozen.createDynamoStore };
}

/**
 * Today's code, but for fields it does not know yet: what is written of them is not its own writing, and what it reads of
 * them it finds under a name it has never heard.
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

/** Today's code, and one thing more that it keeps on every row: how often it has written it. */
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
  /** Which release ran how many processes. */
  ran: Map<string, number>;
  /** Attributes of `watched` that a row had and has no more. */
  lost: string[];
}

/** Each process runs one of the releases, by lot: as long as a deployment takes, or a rollback. */
export function mixtureOf(releases: readonly Release[], seed: number, watched: readonly string[] = []): Mixture {
  const rng = createRng(seed);
  const lost: string[] = [];
  const plain = createMemoryTable();
  const table = watched.length > 0 ? watchedTable(plain, watched, lost) : plain;
  // Rows live for 90 days; a simulation for one.
  const now = () => START;
  const versions = releases.map(({ code, open, lens }) => ({
    code,
    store: open({ client: clientOver(table, lens), table: "mjflow", now }),
  }));
  const ran = new Map(releases.map(({ name }) => [name, 0]));
  const simulationVariant: SimulationVariant = {
    table,
    versionOf() {
      const n = rng.int(0, releases.length - 1);
      ran.set(releases[n]!.name, ran.get(releases[n]!.name)! + 1);
      return versions[n]!;
    },
    dump: () => dumpOf(table),
  };
  return { table, variant: simulationVariant, ran, lost };
}

export function dumpOf(table: MemoryTable) {
  const items = table.dump();
  const kindOf = (item: Item) => refOf(keyOf(item))?.kind;
  return {
    flows: items.filter((item) => kindOf(item) === "flow").map(itemToFlow),
    tasks: items.filter((item) => kindOf(item) === "task").map(itemToTask),
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
