import { createMemoryTable } from "../support/memory/table.ts";
import { vendorCase } from "./vendor.case.ts";

vendorCase("memory", async () => ({ table: createMemoryTable(), stop: async () => {} }));
