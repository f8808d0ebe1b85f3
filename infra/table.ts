/** The one table of the stage. `packages/store/src/keys.ts` defines its keys, and a check compares the two. */
import { setting } from "./setting.ts";
import { stage } from "./stage.ts";

const indexes = {
  // The index holds keys only. The tasks are in the table; each further attribute would be written and paid for twice.
  due: { hashKey: "dueShard", rangeKey: "dueAt", projection: "keys-only" },
  app: { hashKey: "appId", rangeKey: "listedAt", projection: "keys-only" },
} as const;

export const INDEXES = Object.keys(indexes) as (keyof typeof indexes)[];

/**
 * The stage's own table, or a table restored from a backup (docs/operations.md). The stage's own table then stays
 * unused.
 */
export const table = setting.table
  ? sst.aws.Dynamo.get("Table", setting.table)
  : new sst.aws.Dynamo("Table", {
      fields: { pk: "string", sk: "string", dueShard: "string", dueAt: "number", appId: "string", listedAt: "string" },
      primaryIndex: { hashKey: "pk", rangeKey: "sk" },
      globalIndexes: indexes,
      ttl: "expiresAt",
      deletionProtection: stage.production,
      transform: { table: warmTable },
    });

/**
 * Sets the warm throughput: what the table accepts at once. A new table would need minutes of growing load for it. AWS
 * charges each unit once.
 *
 * A lower value, or none, would replace the table by an empty one. So a deployment sets it only when it creates the table;
 * docs/operations.md has the command for an existing one. An index is never replaced, and changes with each deployment.
 */
function warmTable(args: aws.dynamodb.TableArgs, options: $util.CustomResourceOptions): undefined {
  const { warmReadUnits: readUnitsPerSecond, warmWriteUnits: writeUnitsPerSecond } = stage;
  options.ignoreChanges = [...(options.ignoreChanges ?? []), "warmThroughput"];
  if (readUnitsPerSecond === undefined && writeUnitsPerSecond === undefined) return;
  args.warmThroughput = {
    ...(readUnitsPerSecond && { readUnitsPerSecond }),
    ...(writeUnitsPerSecond && { writeUnitsPerSecond }),
  };
  if (writeUnitsPerSecond === undefined) return;
  // A write of a row writes at most one entry of each index.
  args.globalSecondaryIndexes = $output(args.globalSecondaryIndexes).apply((given) =>
    given!.map((index) => ({ ...index, warmThroughput: { writeUnitsPerSecond } })),
  );
}

/** What every function needs: it reads flows with their tasks, writes them with conditions and updates counters. */
export const tableAccess = {
  actions: ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"],
  resources: [table.arn],
};

/**
 * Allows deleting rows. The API deletes rows on behalf of apps, the sweeper roots of interrupted creations, and the submit
 * worker entries of wait lists.
 */
export const tableDelete = { actions: ["dynamodb:DeleteItem"], resources: [table.arn] };

export function indexAccess(index: keyof typeof indexes) {
  return { actions: ["dynamodb:Query"], resources: [$interpolate`${table.arn}/index/${index}`] };
}
