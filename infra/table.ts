/** One table for all; `packages/store/src/keys.ts` says what is where, and a check holds the two together. */
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";

const indexes = {
  // Keys only: the tasks themselves are in the table, and every attribute more would be written, and paid for, twice.
  due: { hashKey: "dueShard", rangeKey: "dueAt", projection: "keys-only" },
  app: { hashKey: "appId", rangeKey: "listedAt", projection: "keys-only" },
} as const;

export const INDEXES = Object.keys(indexes) as (keyof typeof indexes)[];

/** The stage's own; or one restored from a backup (docs/operations.md), while the stage's own is kept aside. */
export const table = setting.table
  ? sst.aws.Dynamo.get("Table", setting.table)
  : new sst.aws.Dynamo("Table", {
      fields: { pk: "string", sk: "string", dueShard: "string", dueAt: "number", appId: "string", listedAt: "string" },
      primaryIndex: { hashKey: "pk", rangeKey: "sk" },
      globalIndexes: indexes,
      ttl: "expiresAt",
      deletionProtection: stage.production,
    });

/** What every function does: read flows with their tasks, and write them under a condition. */
export const tableAccess = {
  actions: ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem"],
  resources: [table.arn],
};

/** The API's, of what apps take away, and the sweeper's: roots left over from a creation that was cut short. */
export const tableDelete = { actions: ["dynamodb:DeleteItem"], resources: [table.arn] };

export function indexAccess(index: keyof typeof indexes) {
  return { actions: ["dynamodb:Query"], resources: [$interpolate`${table.arn}/index/${index}`] };
}
