import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataFile } from "@mjflow/local/engine/data-file";
import { createFileQueues } from "@mjflow/local/engine/file-queue";
import { MAX_RECEIVES, queueCase } from "./queue.case.ts";

const VISIBILITY_MS = 30_000;

for (const kept of ["in memory", "on disk"] as const) {
  queueCase(`sqlite ${kept}`, async () => {
    const dataDir = kept === "on disk" ? mkdtempSync(join(tmpdir(), "mjflow-file-")) : undefined;
    const file = openDataFile({ dataDir });
    let now = Date.now();
    const options = { file, visibilityMs: VISIBILITY_MS, maxReceiveCount: () => MAX_RECEIVES, now: () => now };
    const { queue, depths, source } = createFileQueues(options);
    /** Receives what is available now: the waiting receive is aborted after a few turns of the event loop. */
    const receive = async (name: "submit" | "dead-letters") => {
      const stopped = new AbortController();
      const received = source(name).receive(10, stopped.signal);
      setImmediate(() => setImmediate(() => setImmediate(() => stopped.abort())));
      return (await received).map(({ body, receipt, attributes }) => ({
        body,
        receiptHandle: receipt,
        receives: Number(attributes["ApproximateReceiveCount"]),
      }));
    };
    return {
      ...queue,
      receive: () => receive("submit"),
      delete: (receipt) => source("submit").delete([receipt]),
      async afterVisibility() {
        now += VISIBILITY_MS;
      },
      async depth() {
        const { name: _, ...depth } = (await depths())[0]!;
        return depth;
      },
      deadLetters: async () => (await receive("dead-letters")).map(({ body }) => JSON.parse(body)),
      async stop() {
        await file.close();
        if (dataDir !== undefined) rmSync(dataDir, { recursive: true });
      },
    };
  });
}
