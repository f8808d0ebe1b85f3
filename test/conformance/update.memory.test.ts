import { createTable } from "@mjflow/store/table";
import { clientOver } from "../fault/version/client.ts";
import { createMemoryTable } from "../support/memory/table.ts";
import { TABLE } from "./table.maker.ts";
import { updateCase } from "./update.case.ts";

updateCase("memory", async () => ({ table: createMemoryTable(), stop: async () => {} }));
// The client of the version tests writes to a table in memory, and must behave like an engine.
updateCase("client over memory", async () => {
  const client = clientOver(createMemoryTable());
  return { table: createTable({ client, table: TABLE }), stop: async () => {} };
});
