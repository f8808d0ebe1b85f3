import { test } from "vitest";
import { findDynamoDbLocal, startDynamoDbLocal } from "./java.ts";
import { storeCase } from "./store.case.ts";
import { tableCase } from "./table.case.ts";
import { makeTable } from "./table.maker.ts";

const found = findDynamoDbLocal();

if ("reason" in found) {
  console.log(`AWS DynamoDB Local is not tested: ${found.reason}`);
  test.skip(`AWS DynamoDB Local (${found.reason})`);
} else {
  const make = async () => makeTable(await startDynamoDbLocal(found.dir));
  storeCase("AWS DynamoDB Local", make);
  tableCase("AWS DynamoDB Local", make);
}
