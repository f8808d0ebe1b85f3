import { startTableEngine } from "../support/emulator/table.ts";
import { createMemoryStore } from "../support/memory/store.ts";
import { appCase } from "./app.case.ts";
import { makeFileTable } from "./file.maker.ts";
import { makeTable } from "./table.maker.ts";

appCase("memory", async () => ({ open: createMemoryStore, stop: async () => {} }));
appCase("sqlite", async () => makeFileTable());
appCase("dynoxide", async () => makeTable(await startTableEngine({ engine: "dynoxide" })));
appCase("dynalite", async () => makeTable(await startTableEngine({ engine: "dynalite" })));
