/** The walks through every state, and random orders. */
import { defineConfig } from "vitest/config";
import { WALKS } from "./walks.ts";

export default defineConfig({ test: { include: WALKS, setupFiles: ["test/mutation/seed.ts"], testTimeout: 60_000 } });
