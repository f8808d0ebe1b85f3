import { createTable } from "@mjflow/store/table";
import { startTableEngine } from "../support/emulator/table.ts";
import { makeTable, TABLE } from "./table.maker.ts";
import { webhookCase } from "./webhook.case.ts";
import { dueOf } from "./webhook.due.ts";

webhookCase("dynalite", async () => {
  const maker = await makeTable(await startTableEngine({ engine: "dynalite" }));
  const table = createTable({ client: maker.client(), table: TABLE });
  return { table, due: (flowId) => dueOf(table, flowId), stop: maker.stop };
});
