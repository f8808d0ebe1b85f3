/** Writes an update (update.ts) as the expressions of one UpdateItem. */
import type { AttributeValue, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { type Item, NONCE_ATTRIBUTE, REV_ATTRIBUTE, VERSION, VERSION_ATTRIBUTE } from "./codec.ts";
import { ATTRIBUTE } from "./keys.ts";
import {
  type AttributePath,
  type Condition,
  comparisonOf,
  conditionsOf,
  mapsOf,
  type Operand,
  scalarValue,
  type Update,
} from "./update.ts";

type Expressions = Required<
  Pick<
    UpdateItemCommandInput,
    "UpdateExpression" | "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
  >
>;

/**
 * @param nonce text that no other write has; it is stored with the row (W2)
 * @param absentMaps maps that the row does not have. DynamoDB cannot set an entry of an absent map, so such a map is set as a
 *   whole, with the condition that it is absent.
 */
export function expressionsOf(update: Update, nonce: string, absentMaps: ReadonlySet<string>): Expressions {
  const names = new Map<string, string>();
  const values: Record<string, AttributeValue> = {};
  const nameOf = (name: string) => {
    if (!names.has(name)) names.set(name, `#n${names.size}`);
    return names.get(name)!;
  };
  const at = (path: AttributePath) => (typeof path === "string" ? [path] : path).map(nameOf).join(".");
  const value = (stored: AttributeValue) => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = stored;
    return placeholder;
  };
  const number = (n: number) => value({ N: String(n) });
  const operandOf = (operand: Operand) => (typeof operand === "number" ? number(operand) : at(operand.at));

  function conditionText(condition: Condition): string {
    if ("anyOf" in condition) return `(${condition.anyOf.map(conditionText).join(" OR ")})`;
    if ("row" in condition) return existence(condition.row, ATTRIBUTE.pk);
    if ("is" in condition) return existence(condition.is, condition.at);
    const path = at(condition.at);
    if ("equals" in condition) return `${path} = ${value(scalarValue(condition.equals))}`;
    if ("sizeAtMost" in condition)
      return `(attribute_not_exists(${path}) OR size(${path}) <= ${number(condition.sizeAtMost)})`;
    if ("includes" in condition) return `contains(${path}, ${value({ S: condition.includes })})`;
    if ("excludes" in condition)
      return `(attribute_not_exists(${path}) OR NOT contains(${path}, ${value({ S: condition.excludes })}))`;
    const { compare, operand } = comparisonOf(condition);
    return `${path} ${compare} ${operandOf(operand)}`;
  }

  function existence(is: "absent" | "present", path: AttributePath): string {
    return `${is === "absent" ? "attribute_not_exists" : "attribute_exists"}(${at(path)})`;
  }

  /** An entry of an absent map is part of the value of the whole map. */
  const isInAbsentMap = (path: AttributePath) => typeof path !== "string" && absentMaps.has(path[0]);
  const { add = [], set = [], setOnce = [], remove = [], include = [], exclude = [] } = update;
  const outside = <E extends readonly [AttributePath, unknown]>(entries: readonly E[]) =>
    entries.filter(([path]) => !isInAbsentMap(path));

  function mapValue(map: string): AttributeValue {
    const entries: Item = {};
    for (const [path, scalar] of [...add, ...set, ...setOnce])
      if (typeof path !== "string" && path[0] === map) entries[path[1]] = scalarValue(scalar);
    return { M: entries };
  }

  const increment = (path: AttributePath, by: number) =>
    `${at(path)} = if_not_exists(${at(path)}, ${number(0)}) + ${number(by)}`;
  const initial = (path: AttributePath, stored: AttributeValue) =>
    `${at(path)} = if_not_exists(${at(path)}, ${value(stored)})`;
  const sets = [
    increment(REV_ATTRIBUTE, 1),
    initial(VERSION_ATTRIBUTE, { N: String(VERSION) }),
    `${at(NONCE_ATTRIBUTE)} = ${value({ S: nonce })}`,
    ...[...mapsOf(update)].filter((map) => absentMaps.has(map)).map((map) => `${at(map)} = ${value(mapValue(map))}`),
    ...outside(add).map(([path, by]) => increment(path, by)),
    ...outside(set).map(([path, scalar]) => `${at(path)} = ${value(scalarValue(scalar))}`),
    ...outside(setOnce).map(([path, scalar]) => initial(path, scalarValue(scalar))),
  ];
  const removes = remove.filter((path) => !isInAbsentMap(path)).map(at);
  const ofSet = ([name, texts]: readonly [string, readonly string[]]) => `${at(name)} ${value({ SS: [...texts] })}`;
  const clauses = [
    `SET ${sets.join(", ")}`,
    removes.length > 0 && `REMOVE ${removes.join(", ")}`,
    include.length > 0 && `ADD ${include.map(ofSet).join(", ")}`,
    exclude.length > 0 && `DELETE ${exclude.map(ofSet).join(", ")}`,
  ];
  const conditions = [
    `(${existence("absent", VERSION_ATTRIBUTE)} OR ${at(VERSION_ATTRIBUTE)} <= ${number(VERSION)})`,
    ...[...absentMaps].map((map) => existence("absent", map)),
    ...conditionsOf(update).map(conditionText),
  ];
  return {
    UpdateExpression: clauses.filter(Boolean).join(" "),
    ConditionExpression: conditions.join(" AND "),
    ExpressionAttributeNames: Object.fromEntries([...names].map(([name, placeholder]) => [placeholder, name])),
    ExpressionAttributeValues: values,
  };
}
