/**
 * What the client's `wait()` adds to the cost of a flow at AWS. The client and the real API run in memory with one moved
 * clock. A flow of 75 s is waited for: an image of 70 s, then four upscales of 5 s. Its requests, the bytes of its responses
 * and the read units of its rows are counted. Only the run time of the API function is assumed (price.json).
 */
import { Mjflow } from "@mjflow/client";
import { itemBytes } from "@mjflow/store/codec";
import { FLOW, TASK } from "@mjflow/store/item";
import { describe, expect, test } from "vitest";
import { createApiClient } from "../app/api-client.ts";
import price from "./price.json" with { type: "json" };
import { RUN_MS } from "./run-time.ts";

const S = 1_000;
const MILLION = 1e6;
/** Request line and headers of a response that the API does not count, bytes (assumed). */
const HEADER_BYTES = 600;

interface Waited {
  reads: number;
  bytes: number;
  readUnits: number;
  /** Time between the end of the flow and its return to the app, ms. */
  lateMs: number;
}

/** Creates a flow whose image and upscales take this long, waits for it, and counts. */
async function wait({ imageS, upscaleS }: { imageS: number; upscaleS: number }): Promise<Waited> {
  const api = createApiClient({}, {});
  const app = await api.join();
  const { harness } = api;
  const waited: Waited = { reads: 0, bytes: 0, readUnits: 0, lateMs: 0 };
  let endedAt = 0;

  async function readUnits(): Promise<number> {
    const { flows, tasks } = harness.dump();
    const bytes = [...flows.map((flow) => FLOW.toItem(flow)), ...tasks.map((task) => TASK.toItem(task))].reduce(
      (sum, item) => sum + itemBytes(item),
      0,
    );
    // The read of a flow is one strongly consistent query of its partition.
    return Math.ceil(bytes / 4_096);
  }

  const mjflow = new Mjflow({
    baseUrl: "http://api.test",
    apiKey: app.key,
    random: () => 0.5,
    now: () => harness.deps.clock.now(),
    // Sleeping moves the clock, and the vendor goes on meanwhile.
    async sleep(ms) {
      const until = harness.deps.clock.now() + ms;
      while (harness.deps.clock.now() < until) {
        harness.advance(Math.min(S, until - harness.deps.clock.now()));
        await goOn();
      }
    },
    fetch: async (url, init) => {
      const isRead = init?.method === "GET";
      const response = await api.app.request(String(url), init);
      const size = (await response.clone().arrayBuffer()).byteLength;
      if (isRead) {
        waited.reads++;
        waited.readUnits += await readUnits();
        waited.bytes += size + HEADER_BYTES;
      }
      return response;
    },
  });

  const startedAt = harness.deps.clock.now();
  /** Ends what the vendor has finished by now. */
  async function goOn() {
    await harness.drain();
    const age = harness.deps.clock.now() - startedAt;
    for (const call of harness.vendor.calls.filter(({ id }) => !harness.vendor.finished.has(id))) {
      if (age < (call.kind === "submit" ? imageS : imageS + upscaleS) * S) continue;
      harness.vendor.finished.add(call.id);
      await harness.post(call, "SUCCESS");
      endedAt = harness.deps.clock.now();
    }
    await harness.drain();
  }

  const flow = await mjflow.flows
    .create({ provider: "fake", prompt: "a paper boat", then: [{ press: "upscale:all" }] })
    .wait();
  expect([flow.status, flow.tasks.length]).toEqual(["completed", 5]);
  waited.lateMs = harness.deps.clock.now() - endedAt;
  return waited;
}

/** Adds up the lines of the bill, in USD per million flows. */
function bill({ reads, bytes, readUnits }: Waited) {
  const { assumed } = price;
  const lines = {
    "function invocations": reads * price.lambdaRequest,
    "function GB-seconds (assumed time)":
      reads * (RUN_MS.read / 1_000) * (assumed.memoryMb.api / 1_024) * price.lambdaGbSecondArm,
    "table read units": readUnits * price.tableReadUnit,
    "bytes sent": (bytes / 1e9) * price.egressGb,
  };
  return Object.fromEntries(Object.entries(lines).map(([what, usd]) => [what, usd * MILLION]));
}

describe("the cost of wait()", () => {
  test("waiting for a flow of 75 s takes 6 or 7 reads and costs at most $15 per million flows", async () => {
    const waited = await wait({ imageS: 70, upscaleS: 5 });
    const lines = bill(waited);
    const total = Object.values(lines).reduce((sum, usd) => sum + usd, 0);
    console.log({ ...waited, ...lines, total });
    expect(waited.reads).toBeGreaterThanOrEqual(6);
    expect(waited.reads).toBeLessThanOrEqual(price.assumed.waitReads);
    expect(total).toBeGreaterThan(4);
    expect(total).toBeLessThanOrEqual(15);
  });

  // The pause of 6 s, and its random part. The first row ends long before the default of an unknown account.
  test.each([
    [20, 3, 12],
    [40, 5, 8],
    [120, 20, 8],
    [300, 60, 8],
  ])("a flow of %i + %i s is returned at most %i s after its end", async (imageS, upscaleS, atMostS) => {
    const { reads, lateMs } = await wait({ imageS, upscaleS });
    expect(lateMs).toBeLessThanOrEqual(atMostS * S);
    expect(reads).toBeLessThanOrEqual(3 + (imageS + upscaleS) / 10);
  });
});
