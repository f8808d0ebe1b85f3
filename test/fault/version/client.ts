/**
 * The part of a DynamoDB client that tests need, over a table in memory. Several versions of the code share this table,
 * each with its own store, codec and requests. No call waits for a real clock.
 */
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { type Item, keyOf } from "@mjflow/store/codec";
import type { ListQuery } from "@mjflow/store/table";
import { changed, valueAt } from "@mjflow/store/update";
import type { MemoryTable } from "../../support/memory/table.ts";
import { readUpdate } from "./expression.ts";

/** Changes that a version makes to items when it writes and reads them. */
export interface Lens {
  /** @param before the item that the write replaces */
  put?(item: Item, before: Item | undefined): Item;
  got?(item: Item): Item;
}

export function clientOver(table: MemoryTable, { put = (item) => item, got = (item) => item }: Lens = {}) {
  /** The table in memory has no nonce, so the updated item is put with the one of the request. */
  async function update(input: UpdateItemCommandInput): Promise<Item> {
    const key = keyOf(input.Key!);
    const { update, nonce, maps } = readUpdate(input);
    for (;;) {
      const current = await table.get(key);
      const result = changed(current, key, update);
      if (!result.ok) throw refused(current && got(current));
      const isMapSet = (map: string) =>
        input.ConditionExpression!.includes(`attribute_not_exists(${nameOf(input, map)})`);
      if (maps.some((map) => valueAt(current, map) === undefined && !isMapSet(map))) throw absentMap();
      const item = put({ ...result.item, w: { S: nonce } }, current);
      if ((await table.put(item, current && Number(current["rev"]!.N))).ok) return item;
    }
  }

  async function send(command: unknown): Promise<unknown> {
    if (command instanceof PutItemCommand) {
      const { Item = {}, ...condition } = command.input;
      const before = await table.get(keyOf(Item));
      const outcome = await table.put(put(Item, before), revIn(condition));
      if (outcome.ok) return {};
      throw refused(outcome.current && got(outcome.current));
    }
    if (command instanceof UpdateItemCommand) return { Attributes: got(await update(command.input)) };
    if (command instanceof DeleteItemCommand) {
      await table.delete(keyOf(command.input.Key!), revIn(command.input)!);
      return {};
    }
    if (command instanceof GetItemCommand) {
      const item = await table.get(keyOf(command.input.Key!));
      return { Item: item && got(item) };
    }
    if (command instanceof BatchGetItemCommand) {
      const [[name, { Keys = [] }]] = Object.entries(command.input.RequestItems!) as [[string, { Keys?: Item[] }]];
      return { Responses: { [name]: (await table.getAll(Keys.map(keyOf))).map(got) } };
    }
    if (command instanceof QueryCommand) return { Items: (await table.list(listingOf(command.input))).map(got) };
    throw new Error(`${(command as object).constructor.name} is not simulated`);
  }
  return { send } as DynamoDBClient;
}

function nameOf({ ExpressionAttributeNames: names = {} }: UpdateItemCommandInput, attribute: string): string {
  return Object.keys(names).find((placeholder) => names[placeholder] === attribute)!;
}

function refused(current: Item | undefined): Error {
  const name = "ConditionalCheckFailedException";
  return Object.assign(new Error("refused"), { name, $metadata: { httpStatusCode: 400 }, Item: current });
}

function absentMap(): Error {
  const message = "The document path provided in the update expression is invalid for update";
  return Object.assign(new Error(message), { name: "ValidationException", $metadata: { httpStatusCode: 400 } });
}

type Expression = Pick<QueryCommandInput, "ExpressionAttributeValues"> & { ConditionExpression?: string };

/** The two conditions of our writes (store/table.ts): the row does not exist, or its revision is unchanged. */
function revIn({ ConditionExpression, ExpressionAttributeValues: values = {} }: Expression): number | undefined {
  if (ConditionExpression === "attribute_not_exists(#pk)") return undefined;
  if (ConditionExpression === "#rev = :rev") return Number(values[":rev"]!.N);
  throw new Error(`"${ConditionExpression}" is not simulated`);
}

const TERM = /(#\w+) (=|<=|>=|BETWEEN) (:\w+)(?: AND (:\w+))?/g;

function listingOf(input: QueryCommandInput): ListQuery {
  const values = input.ExpressionAttributeValues!;
  const bound = (name: string) => (values[name]!.N === undefined ? values[name]!.S! : Number(values[name]!.N));
  const listing: ListQuery = {
    partition: "",
    index: input.IndexName as ListQuery["index"],
    descending: input.ScanIndexForward === false,
    limit: input.Limit ?? Number.MAX_SAFE_INTEGER,
    after: input.ExclusiveStartKey,
  };
  [...input.KeyConditionExpression!.matchAll(TERM)].forEach(([, , operator, first, second], n) => {
    if (n === 0) listing.partition = String(bound(first!));
    else if (operator === "BETWEEN") Object.assign(listing, { from: bound(first!), to: bound(second!) });
    else Object.assign(listing, operator === "<=" ? { to: bound(first!) } : { from: bound(first!) });
  });
  return listing;
}
