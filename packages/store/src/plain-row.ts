/**
 * Rows whose fields are plain attributes, so that an update (update.ts) can work on each of them. The rows of `codec.ts` hold
 * deflated JSON, which only a reader can change. This file gives updates the names and types of a row's fields.
 *
 * @example
 * const slots = createPlainRows(table, { held: ["h", "map of integer"], running: ["ru", "integer"] });
 * const result = await slots.update(key, {
 *   set: { held: { [taskId]: now } },
 *   once: { at: ["held", taskId], is: "absent" },
 *   when: [{ at: "held", sizeAtMost: limit - 1 }],
 * });
 */
import { assertReadable, type Item, REV_ATTRIBUTE, VERSION, VERSION_ATTRIBUTE } from "./codec.ts";
import { ATTRIBUTE, type Key } from "./keys.ts";
import type { Table } from "./table.ts";
import {
  type AttributePath,
  type Change,
  type Condition,
  holds,
  type Scalar,
  scalarValue,
  type Update,
} from "./update.ts";

interface ScalarKinds {
  integer: number;
  text: string;
  flag: boolean;
}

interface MapKinds {
  /** One attribute with all entries; conditions can test its size. */
  "map of integer": number;
  "map of text": string;
  /**
   * One attribute of the row for each entry; the field's attribute is the beginning of their names. The first entry needs no
   * second request, but no condition can test the number of entries.
   */
  "spread of integer": number;
  "spread of text": string;
}

export type PlainKind = keyof ScalarKinds | keyof MapKinds | "set";
export type PlainFields = Readonly<Record<string, readonly [attribute: string, kind: PlainKind]>>;

type KindOf<F extends PlainFields, N extends keyof F> = F[N][1];
type Named<F extends PlainFields, K extends PlainKind> = {
  [N in keyof F & string]: KindOf<F, N> extends K ? N : never;
}[keyof F & string];
type EntryOf<K> = K extends keyof MapKinds ? MapKinds[K] : never;
type ValueOf<K> = K extends keyof ScalarKinds
  ? ScalarKinds[K]
  : K extends keyof MapKinds
    ? Readonly<Record<string, MapKinds[K]>>
    : readonly string[];

/** A row that was read. An absent scalar is undefined; an absent map or set is empty. */
export type PlainRow<F extends PlainFields> = { readonly rev: number } & {
  readonly [N in Named<F, keyof ScalarKinds>]?: ValueOf<KindOf<F, N>>;
} & { readonly [N in Exclude<keyof F & string, Named<F, keyof ScalarKinds>>]: ValueOf<KindOf<F, N>> };

type IntegerKind = "integer" | "map of integer" | "spread of integer";

/** Name of a field, or a map field and the name of an entry. */
export type FieldPath<F extends PlainFields> =
  | (keyof F & string)
  | readonly [field: Named<F, keyof MapKinds>, entry: string];
type PlainOperand<F extends PlainFields> = number | { at: FieldPath<F> };

/** A `Condition` on named fields. */
export type PlainCondition<F extends PlainFields> =
  | { row: "absent" | "present" }
  | { at: FieldPath<F>; is: "absent" | "present" }
  | { at: FieldPath<F> | "rev"; equals: Scalar }
  | { at: FieldPath<F>; below: PlainOperand<F> }
  | { at: FieldPath<F>; atMost: PlainOperand<F> }
  | { at: FieldPath<F>; atLeast: PlainOperand<F> }
  | { at: FieldPath<F>; above: PlainOperand<F> }
  | { at: Named<F, "map of integer" | "map of text" | "set">; sizeAtMost: number }
  | { at: Named<F, "set">; includes: string }
  | { at: Named<F, "set">; excludes: string }
  | { anyOf: readonly PlainCondition<F>[] };

type PlainSets<F extends PlainFields> = {
  [N in Named<F, keyof ScalarKinds | keyof MapKinds>]?: ValueOf<KindOf<F, N>>;
};

/** A `Change` of named fields. A map given here adds its entries to the stored map. */
export interface PlainChange<F extends PlainFields> {
  add?: {
    [N in Named<F, IntegerKind>]?: KindOf<F, N> extends "integer" ? number : Readonly<Record<string, number>>;
  };
  set?: PlainSets<F>;
  setOnce?: PlainSets<F>;
  /** `true` removes a scalar; a list removes entries of a map. */
  remove?: {
    [N in Named<F, keyof ScalarKinds | keyof MapKinds>]?: EntryOf<KindOf<F, N>> extends never
      ? true
      : readonly string[];
  };
  include?: { [N in Named<F, "set">]?: readonly string[] };
  exclude?: { [N in Named<F, "set">]?: readonly string[] };
}

/** An `Update` of named fields. */
export type PlainUpdate<F extends PlainFields> = PlainChange<F> &
  ({ once: PlainCondition<F>; repeatable?: never } | { repeatable: string; once?: never }) & {
    when?: readonly PlainCondition<F>[];
    isNewRow?: boolean;
  };

export type PlainResult<F extends PlainFields> =
  | { ok: true; row: PlainRow<F>; sentOnce: boolean }
  | { ok: false; current: PlainRow<F> | undefined; sentOnce: boolean };

export interface PlainRows<F extends PlainFields> {
  /** Reads the row, strongly consistent. @throws ItemError if newer code wrote it (W4) */
  get(key: Key): Promise<PlainRow<F> | undefined>;
  /** Stores a whole row if none exists. Absent scalars may be left out; fields of the index are set like others. */
  create(key: Key, fields: Partial<Omit<PlainRow<F>, "rev">>): Promise<PlainResult<F>>;
  /** Changes fields; see `Table.update` for the result and the errors. */
  update(key: Key, update: PlainUpdate<F>): Promise<PlainResult<F>>;
  /** Decodes an item that was read together with others. @throws ItemError if newer code wrote it (W4) */
  decode(item: Item): PlainRow<F>;
  /** Returns whether a condition is true for an item. */
  holds(item: Item | undefined, condition: PlainCondition<F>): boolean;
}

/** @throws TypeError if two fields share an attribute */
export function createPlainRows<const F extends PlainFields>(table: Table, fields: F): PlainRows<F> {
  assertDistinct(fields);
  const decode = (item: Item) => decodeRow(fields, item) as PlainRow<F>;
  const decodeIfAny = (item: Item | undefined) => item && decode(item);
  return {
    decode,
    holds: (item, condition) => holds(item, conditionOf(fields, condition as LooseCondition)),
    async get(key) {
      return decodeIfAny(await table.get(key));
    },
    async create(key, values) {
      const item = encodeRow(fields, key, values);
      const put = await table.put(item, undefined);
      return put.ok
        ? { ok: true, row: decode(item), sentOnce: false }
        : { ok: false, current: decodeIfAny(put.current), sentOnce: false };
    },
    async update(key, update) {
      const result = await table.update(key, updateOf(fields, update as LooseUpdate));
      return result.ok
        ? { ok: true, row: decode(result.item), sentOnce: result.sentOnce }
        : { ok: false, current: decodeIfAny(result.current), sentOnce: result.sentOnce };
    },
  };
}

// ── from fields to attributes; the types above have checked names and kinds ────────────────────────────────────────

type LooseValue = Scalar | readonly string[] | Readonly<Record<string, Scalar>> | undefined;
type LooseCondition = Condition;
interface LooseChange {
  add?: Record<string, number | Readonly<Record<string, number>> | undefined>;
  set?: Record<string, LooseValue>;
  setOnce?: Record<string, LooseValue>;
  remove?: Record<string, true | readonly string[] | undefined>;
  include?: Record<string, readonly string[] | undefined>;
  exclude?: Record<string, readonly string[] | undefined>;
}
type LooseUpdate = LooseChange & {
  once?: LooseCondition;
  repeatable?: string;
  when?: readonly LooseCondition[];
  isNewRow?: boolean;
};

const isMap = (kind: PlainKind) => kind.startsWith("map") || kind.startsWith("spread");

function assertDistinct(fields: PlainFields): void {
  const all = Object.values(fields);
  for (const [attribute, kind] of all) {
    const sharing = all.filter(([other]) =>
      kind.startsWith("spread") ? other.startsWith(attribute) : other === attribute,
    );
    if (sharing.length > 1) throw new TypeError(`two fields share the attribute "${attribute}"`);
  }
}

function pathOf(fields: PlainFields, path: AttributePath): AttributePath {
  const [attribute, kind] = fieldAt(fields, typeof path === "string" ? path : path[0]);
  if (typeof path === "string") return attribute;
  return kind.startsWith("spread") ? `${attribute}${path[1]}` : [attribute, path[1]];
}

/** Conditions may name the revision; the table itself changes it. */
const REVISION = [REV_ATTRIBUTE, "integer"] as const;

function fieldAt(fields: PlainFields, name: string): readonly [string, PlainKind] {
  const field = name === "rev" ? REVISION : fields[name];
  if (!field) throw new TypeError(`"${name}" is no field of the row`);
  return field;
}

/** Lists the paths of given values: one for a scalar, one for each entry of a map. */
function entriesOf<V extends Scalar>(
  fields: PlainFields,
  values: Record<string, LooseValue> = {},
): (readonly [AttributePath, V])[] {
  return Object.entries(values).flatMap(([name, value]): (readonly [AttributePath, V])[] => {
    if (value === undefined) return [];
    if (!isMap(fieldAt(fields, name)[1])) return [[pathOf(fields, name), value as V]];
    return Object.entries(value).map(([entry, one]) => [pathOf(fields, [name, entry]), one as V]);
  });
}

function updateOf(fields: PlainFields, update: LooseUpdate): Update {
  const { add, set, setOnce, remove = {}, include = {}, exclude = {}, once, repeatable, when = [], isNewRow } = update;
  const texts = (sets: Record<string, readonly string[] | undefined>) =>
    Object.entries(sets)
      .filter(([, list]) => list !== undefined && list.length > 0)
      .map(([name, list]) => [fieldAt(fields, name)[0], list!] as const);
  const change: Change = {
    add: entriesOf<number>(fields, add),
    set: entriesOf(fields, set),
    setOnce: entriesOf(fields, setOnce),
    remove: Object.entries(remove).flatMap(([name, what]) => {
      if (what === undefined) return [];
      return what === true ? [pathOf(fields, name)] : what.map((entry) => pathOf(fields, [name, entry]));
    }),
    include: texts(include),
    exclude: texts(exclude),
  };
  return {
    ...change,
    when: when.map((condition) => conditionOf(fields, condition)),
    ...(once ? { once: conditionOf(fields, once) } : { repeatable: repeatable! }),
    ...(isNewRow && { isNewRow }),
  };
}

function conditionOf(fields: PlainFields, condition: LooseCondition): Condition {
  if ("anyOf" in condition) return { anyOf: condition.anyOf.map((one) => conditionOf(fields, one)) };
  const moved = Object.entries(condition).map(([name, value]) => {
    if (name === "at") return [name, pathOf(fields, value as AttributePath)];
    const isOperand = typeof value === "object" && value !== null && "at" in value;
    return [name, isOperand ? { at: pathOf(fields, (value as { at: AttributePath }).at) } : value];
  });
  return Object.fromEntries(moved) as Condition;
}

function encodeRow(fields: PlainFields, { pk, sk }: Key, values: Record<string, unknown>): Item {
  const item: Item = {
    [ATTRIBUTE.pk]: { S: pk },
    [ATTRIBUTE.sk]: { S: sk },
    [VERSION_ATTRIBUTE]: { N: String(VERSION) },
    [REV_ATTRIBUTE]: { N: "1" },
  };
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const [attribute, kind] = fieldAt(fields, name);
    if (kind === "set") {
      if ((value as string[]).length > 0) item[attribute] = { SS: [...(value as string[])] };
    } else if (kind.startsWith("map")) {
      const entries = Object.entries(value as Record<string, Scalar>).map(([entry, one]) => [entry, scalarValue(one)]);
      item[attribute] = { M: Object.fromEntries(entries) };
    } else
      for (const [path, one] of entriesOf(fields, { [name]: value as LooseValue }))
        item[path as string] = scalarValue(one);
  }
  return item;
}

function decodeRow(fields: PlainFields, item: Item): Record<string, unknown> {
  assertReadable(item);
  const row: Record<string, unknown> = { rev: Number(item[REV_ATTRIBUTE]?.N) };
  for (const [name, [attribute, kind]] of Object.entries(fields)) {
    const value = kind.startsWith("spread") ? spreadOf(item, attribute) : item[attribute];
    if (kind === "set") row[name] = value && "SS" in value ? [...(value.SS ?? [])].sort() : [];
    else if (isMap(kind)) {
      const entries = Object.entries(value?.M ?? {}).map(([entry, one]) => [entry, scalarOf(one)]);
      row[name] = Object.fromEntries(entries);
    } else if (value !== undefined) row[name] = scalarOf(value);
  }
  return row;
}

function spreadOf(item: Item, prefix: string): Item[string] {
  const entries = Object.entries(item).filter(([name]) => name.startsWith(prefix));
  return { M: Object.fromEntries(entries.map(([name, value]) => [name.slice(prefix.length), value])) };
}

function scalarOf(value: Item[string]): Scalar | undefined {
  return value.N === undefined ? (value.S ?? value.BOOL) : Number(value.N);
}
