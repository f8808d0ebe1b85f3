/** Creates the SQLite file of the local server, on disk, and a store and table on it for the suites. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataFile } from "@mjflow/local/engine/data-file";
import { createFileTable } from "@mjflow/local/engine/file-table";
import { createStore } from "@mjflow/store/dynamo";
import type { Table } from "@mjflow/store/table";
import type { StoreMaker } from "./store.case.ts";

export function makeFileTable(): StoreMaker & { table: Table } {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-file-"));
  const file = openDataFile({ dataDir });
  const table = createFileTable(file);
  return {
    table,
    open: ({ now }) => createStore({ table, now }),
    async stop() {
      await file.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}
