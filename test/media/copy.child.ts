/**
 * Copies one image in its own process, which the test measures or kills. argv has the options as JSON; stdout gets the
 * result as JSON. It runs with --expose-gc: a chunk counts as held until the garbage collector can free it.
 */
import type { Fetched } from "@mjflow/core/port";
import { bucketClient } from "@mjflow/local/engine/client";
import { copyToBucket } from "@mjflow/media/copy";
import { outbound, watch } from "./harness.ts";

export interface CopyOptions {
  endpoint: string;
  bucket: string;
  url: string;
  key: string;
  maxBytes: number;
  /** Kills the process before the n-th S3 call with this name, or after this number of fetched bytes. */
  killAt?: { call: string; nth: number } | { fetched: number };
}

export interface Measured {
  stored: { bytes: number; sha256: string };
  /** Maximum number of bytes of the body that were held at the same time. */
  heldBytes: number;
  /** Largest body of an S3 call, in bytes. */
  bodyBytes: number;
  calls: number;
  /** Maximum resident set size, MB. */
  rssMb: number;
  rssBeforeMb: number;
}

const options = JSON.parse(process.argv[2]!) as CopyOptions;
const { killAt } = options;
const client = bucketClient(options.endpoint);
const measured = { heldBytes: 0, bodyBytes: 0, calls: 0, rssMb: 0 };
const callCounts = new Map<string, number>();
const die = () => process.kill(process.pid, "SIGKILL");

watch(client, ({ name, input }) => {
  const nth = (callCounts.get(name) ?? 0) + 1;
  callCounts.set(name, nth);
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
    // A new or dereferenced WeakRef keeps its target alive until the current job ends.
    await new Promise(setImmediate);
    globalThis.gc?.();
    measured.heldBytes = Math.max(
      measured.heldBytes,
      given.reduce((sum, ref) => sum + (ref.deref()?.byteLength ?? 0), 0),
    );
    await new Promise(setImmediate);
  }
}

// The maximum of `resourceUsage` is not used, because it starts with the value of the parent process.
const rssMb = () => Math.round(process.memoryUsage.rss() / 1_000_000);
const rssBeforeMb = rssMb();
const stored = await copyToBucket(
  {
    outbound: {
      ...outbound,
      async get(url, getOptions) {
        const fetched = await outbound.get(url, getOptions);
        return { ...fetched, body: measuredBody(fetched.body) };
      },
    },
    bucket: { client: async () => client, name: options.bucket },
  },
  { ...options, timeoutMs: 60_000 },
);
console.log(JSON.stringify({ stored, ...measured, rssBeforeMb } satisfies Measured));
client.destroy();
