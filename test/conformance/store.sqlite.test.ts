import { makeFileTable } from "./file.maker.ts";
import { storeCase } from "./store.case.ts";
import { webhookCase } from "./webhook.case.ts";
import { dueOf } from "./webhook.due.ts";

storeCase("sqlite", async () => makeFileTable());

webhookCase("sqlite", async () => {
  const { table, stop } = makeFileTable();
  return { table, due: (flowId) => dueOf(table, flowId), stop };
});
