/**
 * Copies one picture, in a process that can be measured or killed. The order is JSON in argv; the answer JSON on stdout.
 * Run with --expose-gc: a chunk counts as held for as long as the garbage collector may not have it.
 */
import type { Fetched } from "@mjflow/core/port";
import { bucketClient } from "@mjflow/local/engine/client";
import { copyToBucket } from "@mjflow/media/copy";
import { outbound, watch } from "./harness.ts";

export interface Order {
  endpoint: string;
  bucket: string;
  url: string;
  key: string;
  maxBytes: number;
  /** Before this call, counted by name, or after so many bytes fetched: as a power cut would. */
  killAt?: { call: string; nth: number } | { fetched: number };
}

export interface Measured {
  stored: { bytes: number; sha256: string };
  /** The most bytes of the body that were reachable at once. */
  heldBytes: number;
  /** The most that a call to S3 carried. */
  bodyBytes: number;
  calls: number;
  /** The most that was seen. */
  rssMb: number;
  rssBeforeMb: number;
}

const order = JSON.parse(process.argv[2]!) as Order;
const { killAt } = order;
const client = bucketClient(order.endpoint);
const measured = { heldBytes: 0, bodyBytes: 0, calls: 0, rssMb: 0 };
const seen = new Map<string, number>();
const die = () => process.kill(process.pid, "SIGKILL");

watch(client, ({ name, input }) => {
  const nth = (seen.get(name) ?? 0) + 1;
  seen.set(name, nth);
  measured.calls++;
  measured.rssMb = Math.max(measured.rssMb, rssMb());
  measured.bodyBytes = Math.max(measured.bodyBytes, (input["Body"] as Uint8Array | undefined)?.length ?? 0);
  if (killAt && "call" in killAt && killAt.call === name && killAt.nth === nth) die();
});

async function* measuredBody(body: Fetched["body"]): AsyncGenerator<Uint8Array> {
  const given: WeakRef<ArrayBufferLike>[] = [];
  let fetched = 0;
  for await (const chunk of body) {
    given.push(new WeakRef(chunk.buffer));
    fetched += chunk.length;
    if (killAt && "fetched" in killAt && fetched > killAt.fetched) die();
    yield chunk;
    if (given.length % 100 > 0) continue;
    measured.rssMb = Math.max(measured.rssMb, rssMb());
    // A WeakRef that was made or read holds its target until the current job has ended.
    await new Promise(setImmediate);
    globalThis.gc?.();
    measured.heldBytes = Math.max(
      measured.heldBytes,
      given.reduce((sum, ref) => sum + (ref.deref()?.byteLength ?? 0), 0),
    );
    await new Promise(setImmediate);
  }
}

// Not resourceUsage's maximum: that begins with what the parent had when it forked.
const rssMb = () => Math.round(process.memoryUsage.rss() / 1_000_000);
const rssBeforeMb = rssMb();
const stored = await copyToBucket(
  {
    outbound: {
      ...outbound,
      async get(url, options) {
        const fetched = await outbound.get(url, options);
        return { ...fetched, body: measuredBody(fetched.body) };
      },
    },
    bucket: { client: async () => client, name: order.bucket },
  },
  { ...order, timeoutMs: 60_000 },
);
console.log(JSON.stringify({ stored, ...measured, rssBeforeMb } satisfies Measured));
client.destroy();
