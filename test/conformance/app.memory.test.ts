import { createDynamoStore } from "@mjflow/store/dynamo";
import { clientOver } from "../fault/version/client.ts";
import { createMemoryStore } from "../support/memory/store.ts";
import { createMemoryTable } from "../support/memory/table.ts";
import { appCase } from "./app.case.ts";
import { TABLE } from "./table.maker.ts";

appCase("memory", async () => ({ open: createMemoryStore, stop: async () => {} }));
appCase("client over memory", async () => {
  const client = clientOver(createMemoryTable());
  return { open: ({ now }) => createDynamoStore({ client, table: TABLE, now }), stop: async () => {} };
});
