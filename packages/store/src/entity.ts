/**
 * Describes one kind of row once: its key, its fields, and the attributes by which it is listed, due or deleted. The compiler
 * checks that every field of the value is stored, and as its type demands.
 *
 * @example
 * const TEMPLATE = entity<Template, "appId" | "name">()({
 *   key: ({ appId, name }) => templateKey(appId, name),
 *   idOf: ({ pk, sk }) => ({ appId: pk.slice(templatePk("").length), name: sk }),
 *   fields: { then: ["th", "json"], createdAt: ["cr", "number"] },
 * });
 */
import { DUE_SHARDS, type DueRow, duePartitionOf } from "@mjflow/core/due";
import {
  compactJson,
  decode,
  encode,
  type Item,
  type Kind,
  keyOf,
  NONCE_ATTRIBUTE,
  newerRowError,
  REV_ATTRIBUTE,
  VERSION,
  VERSION_ATTRIBUTE,
} from "./codec.ts";
import { ATTRIBUTE, type Key } from "./keys.ts";

/** The kinds that can store a value of this type. A field of the kind `count` is 0 if the row lacks it. */
type KindOf<V> = [V] extends [string]
  ? "text"
  : [V] extends [number]
    ? "number" | "count"
    : [V] extends [boolean]
      ? "flag"
      : "json";

/** The attribute and the kind of every field. */
type FieldsOf<T> = { readonly [name in keyof T]-?: readonly [attribute: string, kind: KindOf<NonNullable<T[name]>>] };

/** Rejects at compile time that two fields share an attribute: one field would be read as the other without any error. */
type Distinct<F extends Record<string, readonly [string, Kind]>> = {
  readonly [name in keyof F]: F[name][0] extends F[Exclude<keyof F, name>][0]
    ? "shares its attribute with another field"
    : F[name];
};

export interface Description<T, Id extends keyof T, Stored extends Id, F> {
  /** The key of a row. */
  key(id: Pick<T, Id>): Key;
  /** Reads the fields of the key that are no attributes. @throws ItemError if the key is of another kind of row */
  idOf(key: Key): Pick<T, Exclude<Id, Stored>>;
  /** All fields but `rev` and those of the key. */
  fields: F;
  /** Values of fields that rows of earlier versions may lack. */
  defaults?: Partial<T>;
  /** Attributes of the indexes and of the expiry. */
  attributes?(value: T, dueShards: number): Item;
}

/** What a deployment or a table decides about its rows. */
export interface ItemForm {
  /** Number of shards of each class of due entries (core/due.ts). */
  dueShards?: number | undefined;
  /** Length of JSON from which on it is stored deflated, characters (codec.ts). Unset: that of a table that bills by size. */
  deflateFrom?: number | undefined;
}

export interface Entity<T, Id> {
  key(id: Id): Key;
  /** Encodes a value, including the unknown attributes that it was read with. */
  toItem(value: T, form?: ItemForm): Item;
  /** Returns a row of any table as a table that bills by size stores it. */
  compact(item: Item): Item;
  /**
   * Decodes a row. A changed value must be a spread of the decoded one, or its unknown attributes are lost. Several reads can
   * share one request and get the same row, so they share the value, which is frozen.
   *
   * @throws ItemError if newer code wrote the row (W4), or if it is of another kind
   */
  ofItem(item: Item): T;
}

/**
 * Property for the attributes that this version does not know. Every write puts a whole row, so the code must write these
 * attributes back. Otherwise, during a deployment or after a rollback, older code would delete what newer code stored. The
 * key is a symbol, so a spread copies it and JSON does not contain it.
 */
const UNKNOWN = Symbol("attributes of newer code");

/** Attributes of every kind of row. Each write sets them again or leaves them out. */
const OURS: ReadonlySet<string> = new Set([
  ...Object.values(ATTRIBUTE),
  VERSION_ATTRIBUTE,
  NONCE_ATTRIBUTE,
  REV_ATTRIBUTE,
]);

/**
 * The types are the value, the fields that make the key, and those of the key that are attributes as well.
 *
 * @returns a function that takes the description: the compiler infers the fields only in a call of their own
 */
export function entity<T extends { rev: number }, Id extends keyof T = never, Stored extends Id = never>() {
  return <const F extends FieldsOf<Omit<T, Exclude<Id, Stored> | "rev">>>({
    key,
    idOf,
    fields,
    defaults,
    attributes,
  }: Description<T, Id, Stored, F & Distinct<F>>): Entity<T, Pick<T, Id>> => {
    const entries = Object.entries<readonly [string, Kind]>({ rev: [REV_ATTRIBUTE, "number"], ...fields });
    const byField = new Map(entries);
    const byAttribute = new Map(entries.map(([name, [attribute, kind]]) => [attribute, { name, kind }] as const));
    /** A count that is not stored is 0. */
    const counts = Object.fromEntries(entries.flatMap(([name, [, kind]]) => (kind === "count" ? [[name, 0]] : [])));
    const decoded = new WeakMap<Item, T>();

    // A row has about half of its fields. So both directions go through what a row has, and not through the description.
    function ofItem(item: Item): T {
      const id = idOf(keyOf(item));
      const version = Number(item[VERSION_ATTRIBUTE]?.N);
      if (!(version <= VERSION)) throw newerRowError(item, version);
      const value: Record<string | symbol, unknown> = { ...defaults, ...counts, ...id };
      let unknown: Item | undefined;
      for (const attribute in item) {
        const field = byAttribute.get(attribute);
        if (field) value[field.name] = decode(field.kind, item[attribute]);
        else if (!OURS.has(attribute)) {
          unknown ??= {};
          unknown[attribute] = item[attribute]!;
        }
      }
      if (unknown) value[UNKNOWN] = unknown;
      return Object.freeze(value) as T;
    }

    return {
      key,
      toItem(value, { dueShards = DUE_SHARDS, deflateFrom } = {}) {
        const { pk, sk } = key(value);
        const item: Item = {
          ...(value as { [UNKNOWN]?: Item })[UNKNOWN],
          [ATTRIBUTE.pk]: { S: pk },
          [ATTRIBUTE.sk]: { S: sk },
          [VERSION_ATTRIBUTE]: { N: String(VERSION) },
        };
        for (const name in value) {
          const field = byField.get(name);
          if (!field) continue;
          const stored = encode(field[1], value[name], deflateFrom);
          if (stored) item[field[0]] = stored;
        }
        return attributes ? Object.assign(item, attributes(value, dueShards)) : item;
      },
      compact(item) {
        const compacted = { ...item };
        for (const [, [attribute, kind]] of entries) {
          const stored = item[attribute];
          if (kind === "json" && stored !== undefined) compacted[attribute] = compactJson(stored);
        }
        return compacted;
      },
      ofItem(item) {
        const known = decoded.get(item);
        if (known) return known;
        const value = ofItem(item);
        decoded.set(item, value);
        return value;
      },
    };
  };
}

/** The attribute for TTL. @param at time after which the row may be deleted, epoch ms */
export function expiring(at: number): Item {
  return { [ATTRIBUTE.expiresAt]: { N: String(Math.ceil(at / 1_000)) } };
}

/** The attributes of a listing, which is sorted by `at`. */
export function listed(partition: string, at: string): Item {
  return { [ATTRIBUTE.appId]: { S: partition }, [ATTRIBUTE.listedAt]: { S: at } };
}

/** The partition of the due index. A row without it is not in the index, which keeps the index small. */
export function dueEntry(isDue: boolean, row: DueRow, dueShards: number): Item {
  return isDue ? { [ATTRIBUTE.dueShard]: { S: duePartitionOf(row, dueShards) } } : {};
}
