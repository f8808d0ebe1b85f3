import { startTableEngine } from "../support/emulator/table.ts";
import { storeCase } from "./store.case.ts";
import { tableCase } from "./table.case.ts";
import { makeTable } from "./table.maker.ts";

const make = async () => makeTable(await startTableEngine({ engine: "dynalite" }));

storeCase("dynalite", make);
tableCase("dynalite", make);
