import { makeFileTable } from "./file.maker.ts";
import { hookCase } from "./hook.case.ts";
import { dueOf } from "./hook.due.ts";
import { storeCase } from "./store.case.ts";

storeCase("sqlite", async () => makeFileTable());

hookCase("sqlite", async () => {
  const { table, stop } = makeFileTable();
  return { table, due: (flowId) => dueOf(table, flowId), stop };
});
