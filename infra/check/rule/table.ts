import { ATTRIBUTE } from "../../../packages/store/src/keys.ts";
import { tableDefinition } from "../../../packages/store/src/schema.ts";
import { isProduction, type Rule, some } from "../model.ts";

export const tablesAreRetained: Rule = (infra) =>
  some(infra, "aws:dynamodb/table:Table").flatMap(({ name, inputs, retainOnDelete }) => [
    ...(inputs.pointInTimeRecovery?.enabled ? [] : [`${name} has no point-in-time recovery`]),
    ...(inputs.billingMode === "PAY_PER_REQUEST" ? [] : [`${name} is not on demand`]),
    ...(isProduction(infra) && !inputs.deletionProtectionEnabled ? [`${name} can be deleted`] : []),
    ...(isProduction(infra) && !retainOnDelete ? [`${name} is deleted together with the stack`] : []),
  ]);

/** AWS cannot lower the warm throughput of a table. A deployment that tried would replace the table by an empty one. */
export const warmThroughputReplacesNoTable: Rule = (infra) =>
  some(infra, "aws:dynamodb/table:Table").flatMap(({ name, inputs, ignoreChanges }) => {
    const writes = inputs.warmThroughput?.writeUnitsPerSecond;
    return [
      ...(ignoreChanges.includes("warmThroughput") ? [] : [`${name} is replaced when its warm throughput is lowered`]),
      ...inputs.globalSecondaryIndexes
        .filter((index) => index.warmThroughput?.writeUnitsPerSecond !== writes)
        .map((index) => `The index ${index.name} of ${name} is not as warm as its table`),
    ];
  });

/** Tests run the store on the table that the local backends create. The table in AWS must have the same definition. */
export const tableMatchesStoreSchema: Rule = (infra) => {
  const expected = tableDefinition("");
  const keysOf = (schema: typeof expected.KeySchema) => schema?.map((key) => key.AttributeName);
  const want = {
    keys: keysOf(expected.KeySchema),
    attributes: expected.AttributeDefinitions?.map((a) => `${a.AttributeName} ${a.AttributeType}`).sort(),
    indexes: expected.GlobalSecondaryIndexes?.map((index) => ({
      name: index.IndexName,
      keys: keysOf(index.KeySchema),
      projection: index.Projection?.ProjectionType,
    })),
    ttl: ATTRIBUTE.expiresAt as string | undefined,
  };
  return some(infra, "aws:dynamodb/table:Table").flatMap(({ name, inputs }) => {
    const have: typeof want = {
      keys: [inputs.hashKey, ...(inputs.rangeKey ? [inputs.rangeKey] : [])],
      attributes: inputs.attributes.map((a) => `${a.name} ${a.type}`).sort(),
      indexes: inputs.globalSecondaryIndexes.map((index) => ({
        name: index.name,
        keys: [index.hashKey, ...(index.rangeKey ? [index.rangeKey] : [])],
        projection: index.projectionType as "KEYS_ONLY",
      })),
      ttl: inputs.ttl?.enabled ? inputs.ttl.attributeName : undefined,
    };
    return (["keys", "attributes", "indexes", "ttl"] as const)
      .filter((part) => JSON.stringify(have[part]) !== JSON.stringify(want[part]))
      .map((part) => `${name}: ${part} ${JSON.stringify(have[part])}, the store needs ${JSON.stringify(want[part])}`);
  });
};
