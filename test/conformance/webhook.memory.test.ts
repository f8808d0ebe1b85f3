import { createMemoryTable } from "../support/memory/table.ts";
import { webhookCase } from "./webhook.case.ts";
import { dueOf } from "./webhook.due.ts";

webhookCase("memory", async () => {
  const table = createMemoryTable();
  return { table, due: (flowId) => dueOf(table, flowId), stop: async () => {} };
});
