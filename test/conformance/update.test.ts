import { createTable } from "@mjflow/store/table";
import { test } from "vitest";
import { startTableEngine } from "../support/emulator/table.ts";
import { makeFileTable } from "./file.maker.ts";
import { findDynamoDbLocal, startDynamoDbLocal } from "./java.ts";
import { makeTable, TABLE } from "./table.maker.ts";
import { updateCase } from "./update.case.ts";

async function overNetwork(engine: { endpoint: string; stop(): Promise<void> }) {
  const { client, stop } = await makeTable(engine);
  return { table: createTable({ client: client(), table: TABLE }), client, stop };
}

updateCase("sqlite", async () => makeFileTable());
for (const engine of ["dynoxide", "dynalite"] as const) {
  updateCase(engine, async () => overNetwork(await startTableEngine({ engine })));
}

const found = findDynamoDbLocal();
if ("reason" in found) test.skip(`AWS DynamoDB Local (${found.reason})`);
else updateCase("AWS DynamoDB Local", async () => overNetwork(await startDynamoDbLocal(found.dir)));
