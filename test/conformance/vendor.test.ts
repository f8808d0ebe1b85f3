import { createTable } from "@mjflow/store/table";
import { startTableEngine } from "../support/emulator/table.ts";
import { makeFileTable } from "./file.maker.ts";
import { makeTable, TABLE } from "./table.maker.ts";
import { vendorCase } from "./vendor.case.ts";

vendorCase("sqlite", async () => makeFileTable());
for (const engine of ["dynoxide", "dynalite"] as const) {
  vendorCase(engine, async () => {
    const maker = await makeTable(await startTableEngine({ engine }));
    return { table: createTable({ client: maker.client(), table: TABLE }), stop: maker.stop };
  });
}
