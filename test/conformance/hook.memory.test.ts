import { createMemoryTable } from "@mjflow/store/memory-table";
import { hookCase } from "./hook.case.ts";
import { dueOf } from "./hook.due.ts";

hookCase("memory", async () => {
  const table = createMemoryTable();
  return { table, due: (flowId) => dueOf(table, flowId), stop: async () => {} };
});
