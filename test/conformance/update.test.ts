import { createTable } from "@mjflow/store/table";
import { test } from "vitest";
import { clientOver } from "../fault/version/client.ts";
import { startTableEngine } from "../support/emulator/table.ts";
import { createMemoryTable } from "../support/memory/table.ts";
import { makeFileTable } from "./file.maker.ts";
import { findDynamoDbLocal, startDynamoDbLocal } from "./java.ts";
import { makeTable, TABLE } from "./table.maker.ts";
import { updateCase } from "./update.case.ts";

async function overNetwork(engine: { endpoint: string; stop(): Promise<void> }) {
  const { client, stop } = await makeTable(engine);
  return { table: createTable({ client: client(), table: TABLE }), client, stop };
}

updateCase("memory", async () => ({ table: createMemoryTable(), stop: async () => {} }));
// The client of the version tests writes to a table in memory, and must behave like an engine.
updateCase("client over memory", async () => {
  const client = clientOver(createMemoryTable());
  return { table: createTable({ client, table: TABLE }), stop: async () => {} };
});
updateCase("sqlite", async () => makeFileTable());
for (const engine of ["dynoxide", "dynalite"] as const) {
  updateCase(engine, async () => overNetwork(await startTableEngine({ engine })));
}

const found = findDynamoDbLocal();
if ("reason" in found) test.skip(`AWS DynamoDB Local (${found.reason})`);
else updateCase("AWS DynamoDB Local", async () => overNetwork(await startDynamoDbLocal(found.dir)));
