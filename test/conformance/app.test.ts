import { startTableEngine } from "../support/emulator/table.ts";
import { appCase } from "./app.case.ts";
import { makeFileTable } from "./file.maker.ts";
import { makeTable } from "./table.maker.ts";

appCase("sqlite", async () => makeFileTable());
appCase("dynoxide", async () => makeTable(await startTableEngine({ engine: "dynoxide" })));
appCase("dynalite", async () => makeTable(await startTableEngine({ engine: "dynalite" })));
