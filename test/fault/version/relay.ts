/** Runs one flow with one version of the code, then with another. Both share the table, the queue and the vendor. */
import type { Flow } from "@mjflow/core/flow";
import type { Log, Store } from "@mjflow/core/port";
import type { ReportStatus } from "@mjflow/core/report";
import type { FlowRequest } from "@mjflow/core/request";
import { type Call, createTestHarness, HARNESS_START, reportOf, TOKEN_KEY, tokenOf } from "../../support/harness.ts";
import { createMemoryTable } from "../../support/memory/table.ts";
import { clientOver } from "./client.ts";
import { dumpOf, type Release } from "./versions.ts";

const MINUTE = 60_000;
/** The list of log lines is that of the current version. An earlier one has lines that it does not know. */
const SILENT: Log = { info() {}, warn() {}, error() {}, count() {} };

export type Relay = ReturnType<typeof createRelay>;
export type Runner = ReturnType<Relay["runner"]>;

export function createRelay() {
  const table = createMemoryTable();
  const harness = createTestHarness({ table });
  const { vendor, queue, advance } = harness;

  /** Runs the steps of one version. The parameter `patch` of each step replaces functions of the store, to inject faults. */
  function runner({ code, open, lens }: Release) {
    const store = open({ client: clientOver(table, lens), table: "mjflow", now: () => HARNESS_START });
    const hooks = code.createHooks({ keys: [TOKEN_KEY], callbackUrl: "https://hooks.test" });
    const depsWith = (patch: Partial<Store> = {}) => {
      const deps = { ...harness.deps, callbackTokens: hooks, store: { ...store, ...patch }, log: SILENT };
      return { ...deps, accounts: code.createAccounts(deps) };
    };

    /** @param rounds upper limit of receive calls */
    async function drain(patch?: Partial<Store>, rounds = Number.POSITIVE_INFINITY): Promise<void> {
      const deps = depsWith(patch);
      for (let round = 0; round < rounds; round++) {
        const records = queue.receive(10);
        if (records.length === 0) return;
        const { batchItemFailures } = await code.consume(
          { Records: records },
          (message) => {
            if (message.type === "tell") return code.tell(deps, message);
            return message.type === "deliver" ? code.deliver(deps, message.deliveryId) : code.work(deps, message);
          },
          deps,
        );
        const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        for (const record of records) if (!failed.has(record.messageId)) queue.delete(record.receiptHandle);
      }
    }

    const post = (call: Call, status: ReportStatus, patch?: Partial<Store>) =>
      code.receive(depsWith(patch), tokenOf(call), JSON.stringify(reportOf(call, status)));

    return {
      store,
      drain,
      post,
      sweep: () => code.sweep(depsWith()),
      async start(request: Partial<FlowRequest> = {}): Promise<Flow> {
        const body = { provider: "fake", prompt: "a paper boat", state: "order 7", ...request };
        const defaults = {
          storeProgress: true,
          resubmit: "after-grace",
          archive: false,
          deliveryLog: false,
        } as const;
        return (await code.createFlow(depsWith(), "app_a", body, defaults)).flow;
      },
      /** Reports a success for every submission, also for those that follow, and moves the clock by one hour. */
      async finish(): Promise<void> {
        for (let minutes = 0; minutes < 60; minutes++) {
          await drain();
          for (const call of vendor.calls.filter(({ id }) => !vendor.finished.has(id))) {
            vendor.finished.add(call.id);
            await post(call, "SUCCESS");
          }
          await drain();
          advance(MINUTE);
          await this.sweep();
        }
      },
    };
  }

  return { vendor, queue, advance, runner, deps: harness.deps, rows: () => dumpOf(table) };
}
