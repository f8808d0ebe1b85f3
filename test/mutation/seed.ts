/** Before each test file of a mutation run. */
import fc from "fast-check";
import { inject } from "vitest";

// One seed for all property tests, so that chance does not decide whether a mutant is killed.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_261_121 });

// A process that outlives a mutant still has it switched on (`warm-worker.ts`). While a test file loads, no mutant is on,
// except if its code runs while modules load.
const stryker = globalThis as { __stryker__?: { activeMutant?: string } };
if (stryker.__stryker__ && inject("mutantActivation") !== "static") delete stryker.__stryker__.activeMutant;

declare module "vitest" {
  interface ProvidedContext {
    mutantActivation?: "static" | "runtime";
  }
}
