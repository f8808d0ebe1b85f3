import { startTableEngine } from "@mjflow/local/engine/table";
import { createTable } from "@mjflow/store/table";
import { hookCase } from "./hook.case.ts";
import { dueOf } from "./hook.due.ts";
import { makeTable, TABLE } from "./table.maker.ts";

hookCase("dynalite", async () => {
  const maker = await makeTable(await startTableEngine({ engine: "dynalite" }));
  const table = createTable({ client: maker.client(), table: TABLE });
  return { table, due: (flowId) => dueOf(table, flowId), stop: maker.stop };
});
