import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { ATTRIBUTE, INDEX } from "./keys.ts";

/**
 * The table for local backends and tests. On AWS, `infra/table.ts` creates it with the same names. TTL on `expiresAt` is set
 * only there, because no local backend supports it.
 */
export function tableDefinition(name: string): CreateTableCommandInput {
  const { pk, sk, dueShard, dueAt, appId, listedAt } = ATTRIBUTE;
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: keySchema(pk, sk),
    AttributeDefinitions: [pk, sk, dueShard, dueAt, appId, listedAt].map((attribute) => ({
      AttributeName: attribute,
      AttributeType: attribute === dueAt ? "N" : "S",
    })),
    GlobalSecondaryIndexes: [
      { IndexName: INDEX.due, KeySchema: keySchema(dueShard, dueAt), Projection: { ProjectionType: "KEYS_ONLY" } },
      { IndexName: INDEX.app, KeySchema: keySchema(appId, listedAt), Projection: { ProjectionType: "KEYS_ONLY" } },
    ],
  };
}

function keySchema(hash: string, range: string) {
  return [
    { AttributeName: hash, KeyType: "HASH" as const },
    { AttributeName: range, KeyType: "RANGE" as const },
  ];
}
