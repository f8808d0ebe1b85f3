/** Reads the expressions of an UpdateItem (store/update-expression.ts) back, so that a table in memory can run them. */
import type { AttributeValue, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import type { Item } from "@mjflow/store/codec";
import type { AttributePath, Change, Condition, Operand, Scalar, Update } from "@mjflow/store/update";

const TOKEN = /#\w+(?:\.#\w+)?|:\w+|\w+|<=|>=|[<>=(),+]/g;

/** Attributes that the table itself writes with each update. */
const OWN = new Set(["rev", "v", "w"]);

export interface ReadUpdate {
  update: Update;
  nonce: string;
  /** Maps of which entries are changed; each must exist. */
  maps: string[];
}

export function readUpdate(input: UpdateItemCommandInput): ReadUpdate {
  const names = input.ExpressionAttributeNames ?? {};
  const values = input.ExpressionAttributeValues ?? {};
  const pathOf = (token: string): AttributePath => {
    const [attribute, entry] = token.split(".").map((name) => names[name]!);
    return entry === undefined ? attribute! : [attribute!, entry];
  };
  const scalar = (token: string) => scalarOf(values[token]!);
  const change = readChange(input.UpdateExpression!, pathOf, values);
  const when = readConditions(input.ConditionExpression!, pathOf, scalar);
  const { set = [], add = [], setOnce = [], remove = [] } = change;
  const paths = [...[...set, ...add, ...setOnce].map(([path]) => path), ...remove];
  return {
    update: { ...change, when, repeatable: "the real table checked it" },
    nonce: Object.entries(names).flatMap(([placeholder, name]) =>
      name === "w" ? [values[new RegExp(`${placeholder} = (:\\w+)`).exec(input.UpdateExpression!)![1]!]!.S!] : [],
    )[0]!,
    maps: paths.flatMap((path) => (typeof path === "string" ? [] : [path[0]])),
  };
}

type PathOf = (token: string) => AttributePath;

function readChange(text: string, pathOf: PathOf, values: Item): Change {
  const change = { add: [], set: [], setOnce: [], remove: [], include: [], exclude: [] } as {
    [name in keyof Required<Change>]: unknown[];
  };
  for (const [, clause, body] of text.matchAll(/(SET|REMOVE|ADD|DELETE) (.*?)(?= (?:SET|REMOVE|ADD|DELETE) |$)/g)) {
    for (const part of body!.split(/, (?=#)(?![^(]*\))/)) {
      const [target, ...rest] = part.match(TOKEN)!;
      const path = pathOf(target!);
      if (typeof path === "string" && OWN.has(path)) continue;
      const literals = rest.filter((token) => token.startsWith(":")).map((token) => values[token]!);
      if (clause === "REMOVE") change.remove.push(path);
      else if (clause === "ADD") change.include.push([path, literals[0]!.SS!]);
      else if (clause === "DELETE") change.exclude.push([path, literals[0]!.SS!]);
      else if (rest.includes("+")) change.add.push([path, scalarOf(literals[1]!)]);
      else if (rest.includes("if_not_exists")) change.setOnce.push([path, scalarOf(literals[0]!)]);
      else if (literals[0]!.M) {
        for (const [entry, value] of Object.entries(literals[0]!.M)) change.set.push([[path, entry], scalarOf(value)]);
        // Removing any entry creates an empty map.
        if (Object.keys(literals[0]!.M).length === 0) change.remove.push([path, "none"]);
      } else change.set.push([path, scalarOf(literals[0]!)]);
    }
  }
  return change as unknown as Change;
}

function readConditions(text: string, pathOf: PathOf, scalar: (token: string) => Scalar): Condition[] {
  const tokens = text.match(TOKEN)!;
  let at = 0;
  const next = () => tokens[at++]!;
  const take = (token: string) => {
    if (next() !== token) throw new Error(`"${text}" is not simulated at token ${at}`);
  };

  function all(): Condition[] {
    const conditions = [one()];
    while (tokens[at] === "AND") {
      at++;
      conditions.push(one());
    }
    return conditions;
  }

  function one(): Condition {
    const token = next();
    if (token === "(") {
      const anyOf = [one()];
      while (tokens[at] === "OR") {
        at++;
        anyOf.push(one());
      }
      take(")");
      return { anyOf };
    }
    if (token === "NOT") {
      const condition = one();
      if (!("includes" in condition)) throw new Error(`"${text}" is not simulated`);
      return { at: condition.at, excludes: condition.includes };
    }
    if (token.startsWith("#")) return comparison(pathOf(token));
    take("(");
    const path = pathOf(next());
    if (token === "contains") {
      take(",");
      const condition = { at: path as string, includes: scalar(next()) as string };
      take(")");
      return condition;
    }
    take(")");
    if (token === "size") {
      take("<=");
      return { at: path as string, sizeAtMost: scalar(next()) as number };
    }
    const is = token === "attribute_exists" ? "present" : "absent";
    return path === "pk" ? { row: is } : { at: path, is };
  }

  function comparison(path: AttributePath): Condition {
    const operator = next();
    const right = next();
    if (operator === "=") return { at: path, equals: scalar(right) };
    const operand: Operand = right.startsWith("#") ? { at: pathOf(right) } : (scalar(right) as number);
    if (operator === "<") return { at: path, below: operand };
    if (operator === "<=") return { at: path, atMost: operand };
    return operator === ">" ? { at: path, above: operand } : { at: path, atLeast: operand };
  }

  return all();
}

function scalarOf(value: AttributeValue): Scalar {
  return value.N === undefined ? (value.S ?? value.BOOL!) : Number(value.N);
}
