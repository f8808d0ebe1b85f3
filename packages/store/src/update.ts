/**
 * Changes of single attributes of a row, without reading the row first. `changed` is the meaning of an update; the tables in
 * memory and in SQLite run it. `update-expression.ts` writes the same update for DynamoDB, and one suite tests all of them.
 *
 * An update (W6) suits a row that many writers change at the same time. Each write is one decision, so no writer has to read
 * again because another one was first. A row whose writers decide on the whole row is put with its revision instead (W1).
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { assertReadable, type Item, NONCE_ATTRIBUTE, REV_ATTRIBUTE, VERSION, VERSION_ATTRIBUTE } from "./codec.ts";
import { ATTRIBUTE, type Key } from "./keys.ts";

/** An attribute, or one entry of an attribute that is a map. An entry may have any name, also one with dots. */
export type AttributePath = string | readonly [attribute: string, entry: string];

export type Scalar = number | string | boolean;

/** Number, or the value of another attribute of the same row. */
export type Operand = number | { at: AttributePath };

/**
 * A condition on the row before the change. A comparison with an absent attribute is false. The size of an absent map or set
 * is 0.
 */
export type Condition =
  | { row: "absent" | "present" }
  | { at: AttributePath; is: "absent" | "present" }
  | { at: AttributePath; equals: Scalar }
  | { at: AttributePath; below: Operand }
  | { at: AttributePath; atMost: Operand }
  | { at: AttributePath; atLeast: Operand }
  | { at: AttributePath; above: Operand }
  /** Number of entries of a map, or of texts in a set. */
  | { at: string; sizeAtMost: number }
  /** Whether a set of texts contains a text. */
  | { at: string; includes: string }
  | { at: string; excludes: string }
  | { anyOf: readonly Condition[] };

type Entries<V> = readonly (readonly [path: AttributePath, value: V])[];

/** What an update does. No path may occur twice. Every number is a safe integer. */
export interface Change {
  /** Adds to a number; an absent number counts as 0. */
  add?: Entries<number>;
  /** Sets a value. An entry of an absent map creates the map. */
  set?: Entries<Scalar>;
  /** Sets a value if there is none. */
  setOnce?: Entries<Scalar>;
  /** Removes a value; an absent one stays absent. */
  remove?: readonly AttributePath[];
  /** Adds texts to a set of texts. */
  include?: readonly (readonly [attribute: string, texts: readonly string[]])[];
  /** Removes texts from a set of texts. A set that becomes empty is removed. */
  exclude?: readonly (readonly [attribute: string, texts: readonly string[]])[];
}

/**
 * A response can be lost after the write, and the SDK repeats a request by itself. Every update says what a repetition does.
 */
export type Repetition =
  /**
   * A condition that the change itself makes false, so a repetition is refused. The caller finds in the refused row whether
   * its change was made, for example as an entry that only this change sets.
   */
  | { once: Condition; repeatable?: never }
  /** A second application does no harm. The text says why. */
  | { repeatable: string; once?: never };

/**
 * One conditional change of one row. A row that does not exist is created, except if a condition is false for it: a caller
 * that must not create a row adds `{ row: "present" }`.
 */
export type Update = Change &
  Repetition & {
    /** Further conditions; all must be true. */
    when?: readonly Condition[];
    /** True if the row is probably absent. This saves a request when the update sets entries of a map; unset: false. */
    isNewRow?: boolean;
  };

/**
 * Result of an update: the row after it, or the row that did not meet the conditions (undefined: there is none). `sentOnce`:
 * each request was sent once and answered, so no copy of one can arrive later. A copy of a refused request can be applied when
 * the row has changed.
 */
export type UpdateResult =
  | { ok: true; item: Item; sentOnce: boolean }
  | { ok: false; current: Item | undefined; sentOnce: boolean };

/**
 * Applies an update to a row. Pure: the given row stays unchanged.
 *
 * @throws RangeError or TypeError if the update itself is wrong
 * @throws ItemError if newer code wrote the row (W4)
 */
export function changed(current: Item | undefined, key: Key, update: Update): UpdateResult {
  checkUpdate(update);
  assertReadable(current);
  if (!conditionsOf(update).every((condition) => holds(current, condition)))
    return { ok: false, current, sentOnce: true };
  const item: Item = {
    [VERSION_ATTRIBUTE]: { N: String(VERSION) },
    ...current,
    [ATTRIBUTE.pk]: { S: key.pk },
    [ATTRIBUTE.sk]: { S: key.sk },
    [REV_ATTRIBUTE]: { N: String(numberOf(current?.[REV_ATTRIBUTE]) + 1) },
  };
  for (const map of mapsOf(update)) item[map] = { M: { ...item[map]?.M } };
  const { add = [], set = [], setOnce = [], remove = [], include = [], exclude = [] } = update;
  for (const [path, by] of add) write(item, path, scalarValue(numberOf(valueAt(current, path)) + by));
  for (const [path, value] of set) write(item, path, scalarValue(value));
  for (const [path, value] of setOnce) if (!valueAt(current, path)) write(item, path, scalarValue(value));
  for (const path of remove) write(item, path, undefined);
  for (const [name, texts] of include) write(item, name, setOf([...(item[name]?.SS ?? []), ...texts]));
  for (const [name, texts] of exclude)
    write(item, name, setOf((item[name]?.SS ?? []).filter((text) => !texts.includes(text))));
  assertOnce(update, item);
  return { ok: true, item, sentOnce: true };
}

/** Returns whether a condition is true for a row. */
export function holds(item: Item | undefined, condition: Condition): boolean {
  if ("anyOf" in condition) return condition.anyOf.some((one) => holds(item, one));
  if ("row" in condition) return (item === undefined) === (condition.row === "absent");
  const value = valueAt(item, condition.at);
  if ("is" in condition) return (value === undefined) === (condition.is === "absent");
  if ("equals" in condition) return value !== undefined && isEqual(value, condition.equals);
  if ("sizeAtMost" in condition) return sizeOf(value) <= condition.sizeAtMost;
  if ("includes" in condition) return value?.SS?.includes(condition.includes) ?? false;
  if ("excludes" in condition) return !value?.SS?.includes(condition.excludes);
  const { compare, operand } = comparisonOf(condition);
  const other = typeof operand === "number" ? operand : valueAt(item, operand.at)?.N;
  if (value?.N === undefined || other === undefined) return false;
  const [a, b] = [Number(value.N), Number(other)];
  return { "<": a < b, "<=": a <= b, ">=": a >= b, ">": a > b }[compare];
}

type Comparison = Exclude<
  Extract<Condition, { at: AttributePath }>,
  { is: unknown } | { equals: unknown } | { sizeAtMost: unknown } | { includes: unknown } | { excludes: unknown }
>;

/** Returns operator and right side of a comparison. */
export function comparisonOf(condition: Comparison): { compare: "<" | "<=" | ">=" | ">"; operand: Operand } {
  if ("below" in condition) return { compare: "<", operand: condition.below };
  if ("atMost" in condition) return { compare: "<=", operand: condition.atMost };
  if ("atLeast" in condition) return { compare: ">=", operand: condition.atLeast };
  return { compare: ">", operand: condition.above };
}

/** Returns all conditions of an update, including the one of `once`. */
export function conditionsOf({ once, when = [] }: Update): readonly Condition[] {
  return once ? [once, ...when] : when;
}

/** Returns the map attributes of which an update changes entries. */
export function mapsOf(update: Update): ReadonlySet<string> {
  return new Set(pathsOf(update).flatMap((path) => (typeof path === "string" ? [] : [path[0]])));
}

/** Attributes that only the table itself writes. */
const OURS: ReadonlySet<string> = new Set([
  ATTRIBUTE.pk,
  ATTRIBUTE.sk,
  REV_ATTRIBUTE,
  NONCE_ATTRIBUTE,
  VERSION_ATTRIBUTE,
]);

/**
 * Checks what DynamoDB would reject or what would be wrong on one engine only.
 *
 * @throws RangeError if a number is no safe integer
 * @throws TypeError if a path occurs twice, belongs to the table itself, or overlaps another one
 */
export function checkUpdate(update: Update): void {
  const numbers = [...(update.add ?? []), ...(update.set ?? []), ...(update.setOnce ?? [])].map(([, value]) => value);
  for (const value of numbers) if (typeof value === "number") assertInteger(value);
  for (const condition of conditionsOf(update)) checkCondition(condition);
  const paths = pathsOf(update);
  const seen = new Set(paths.map((path) => JSON.stringify(path)));
  if (seen.size < paths.length) throw new TypeError("an update changes one path twice");
  for (const path of paths) {
    const name = typeof path === "string" ? path : path[0];
    if (OURS.has(name)) throw new TypeError(`an update must not change "${name}"`);
    if (name === "" || path[1] === "") throw new TypeError("an update has an empty name");
    if (typeof path !== "string" && seen.has(JSON.stringify(name)))
      throw new TypeError(`an update changes "${name}" and an entry of it`);
  }
}

/** @throws Error if the update could be applied twice although its caller relies on once */
export function assertOnce({ once }: Update, item: Item): void {
  if (once && holds(item, once)) throw new Error("an update does not make its condition `once` false");
}

/** Returns the stored form of a value. @throws RangeError if it is a number that is no safe integer */
export function scalarValue(value: Scalar): AttributeValue {
  if (typeof value === "number") return { N: String(assertInteger(value)) };
  return typeof value === "string" ? { S: value } : { BOOL: value };
}

/** Returns the value of a path; undefined if there is none. */
export function valueAt(item: Item | undefined, path: AttributePath): AttributeValue | undefined {
  return typeof path === "string" ? item?.[path] : item?.[path[0]]?.M?.[path[1]];
}

function pathsOf({ add, set, setOnce, remove, include, exclude }: Change): AttributePath[] {
  const entries: (readonly (readonly [AttributePath, unknown])[] | undefined)[] = [add, set, setOnce, include, exclude];
  return [...entries.flatMap((list) => list ?? []).map(([path]) => path), ...(remove ?? [])];
}

function checkCondition(condition: Condition): void {
  if ("anyOf" in condition) for (const one of condition.anyOf) checkCondition(one);
  for (const value of Object.values(condition)) if (typeof value === "number") assertInteger(value);
}

/** A number with a fraction would round differently in each engine, and money must be exact. */
function assertInteger(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
  return value;
}

function write(item: Item, path: AttributePath, value: AttributeValue | undefined): void {
  const [values, name] = typeof path === "string" ? [item, path] : [item[path[0]]!.M!, path[1]];
  if (value === undefined) delete values[name];
  else values[name] = value;
}

function setOf(texts: readonly string[]): AttributeValue | undefined {
  const distinct = [...new Set(texts)];
  return distinct.length > 0 ? { SS: distinct } : undefined;
}

function sizeOf(value: AttributeValue | undefined): number {
  return value?.SS?.length ?? Object.keys(value?.M ?? {}).length;
}

function isEqual(value: AttributeValue, scalar: Scalar): boolean {
  if (typeof scalar === "number") return value.N !== undefined && Number(value.N) === scalar;
  return (typeof scalar === "string" ? value.S : value.BOOL) === scalar;
}

function numberOf(value: AttributeValue | undefined): number {
  return Number(value?.N ?? 0);
}
