import { admission, grantChange, pressHold, settlementChange } from "@mjflow/core/credit";
import { flowIdOf } from "@mjflow/core/id";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMemoryTable } from "../../../test/support/memory/table.ts";
import { itemBytes } from "./codec.ts";
import { createCreditStore } from "./credit.ts";

const NOW = Date.UTC(2026, 10, 21);
const APP = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const LIMITS = { creditsUsd: 1_000_000_000, runningFlows: 1_000_000, flowsPerMinute: 1_000_000 };
/** Entries of flows with which the row has at most 1 KB (docs/decisions/0026). */
const FITTING = 16;

const entry = fc.record({
  kind: fc.constantFrom("hold", "press", "settlement"),
  micro: fc.integer({ min: 0, max: 100_000_000 }),
  no: fc.nat(9),
  path: fc.constantFrom("0-0", "0-12", "0-m3"),
  ms: fc.nat(86_400_000),
  bytes: fc.uint8Array({ minLength: 10, maxLength: 10 }),
});

it("E7: the row has at most 1 KB with 16 entries, all sums and two days", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: FITTING, maxLength: FITTING }), async (entries) => {
      const table = createMemoryTable();
      const store = createCreditStore(table, 32);
      const sums = { added: 1e12, settled: 1e12, refunded: 1e12, used: 1e12, running: 100_000 };
      await store.createCreditCounter({ appId: APP, rev: 0, ...sums, entries: {}, days: {} });
      for (const [i, { kind, micro, no, path, ms, bytes }] of entries.entries()) {
        const flowId = flowIdOf(NOW + ms, bytes);
        const at = NOW + ms;
        const settling = { micro, held: micro, runs: 1, paths: [], at };
        const change =
          kind === "hold"
            ? admission(
                undefined,
                { creditsUsd: LIMITS.creditsUsd },
                { flowId, micro, mark: "abcd", resumed: true },
                at,
              )!
            : kind === "press"
              ? pressHold(LIMITS, { flowId, path, micro, mark: "abcd", runs: true }, at)
              : settlementChange({ flowId, no, settling, isFirst: true }, `2026-11-2${1 + (i % 2)}`, at);
        await store.changeCredit(APP, change);
      }
      const rate = { fullAtUs: { set: (NOW + 60_000) * 1_000 }, when: [], repetition: { harmless: "test" }, at: NOW };
      await store.changeCredit(APP, rate);
      const [row] = table.dump();
      expect(itemBytes(row!)).toBeLessThanOrEqual(1_024);
    }),
    { numRuns: 200 },
  );
});

it("the reference of a grant can be long, so a grant in progress may cost a second unit", async () => {
  const table = createMemoryTable();
  const store = createCreditStore(table, 32);
  const sums = { added: 0, settled: 0, refunded: 0, used: 0, running: 0 };
  await store.createCreditCounter({ appId: APP, rev: 0, ...sums, entries: {}, days: {} });
  await store.changeCredit(APP, grantChange({ reference: "r".repeat(200), micro: 1 }, NOW));
  expect(itemBytes(table.dump()[0]!)).toBeLessThan(2_048);
});
