/**
 * `node test/cost/submit.ts [memory in MB]`: memory and CPU time of the submit function. Its minified bundle runs in a process of its
 * own, with the heap limits that Lambda sets for its memory. The table, the bucket and the simulated vendor are in other processes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OutgoingMessage } from "@mjflow/core/message";
import type { FlowRequest } from "@mjflow/core/request";
import { UPLOAD } from "@mjflow/core/upload";
import { createFlow } from "@mjflow/engine/create";
import { handleCallback } from "@mjflow/engine/handle-callback";
import { readCallback } from "@mjflow/providers/callback";
import { build } from "esbuild";
import { startBenchEnvironment } from "../bench/environment/environment.ts";
import { SUCCESS } from "../bench/environment/report.ts";

const MEMORY_MB = Number(process.argv[2] ?? 192);
const WARM_UP = 30;
const CALLS = 60;
const ROUNDS = 5;
/** The largest that the API accepts for a vendor without links, as an upload. */
const PNG = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(UPLOAD.dataBytes - 8, 7)]);
const IMAGE = `data:image/png;base64,${PNG.toString("base64")}`;

/** CommonJS packages in a bundle need `require`. */
const BANNER = "import { createRequire } from 'module'; const require = createRequire(import.meta.url);";
const CHILD = `
  import { readFileSync } from "node:fs";
  const { handler } = await import("./submit.mjs");
  process.on("message", async ({ messages, together }) => {
    const before = process.cpuUsage();
    let failed = 0;
    const run = async (body) => {
      const event = { Records: [{ messageId: "0", body, attributes: {} }] };
      failed += (await handler(event)).batchItemFailures.length;
    };
    if (together) await Promise.all(messages.map(run));
    else for (const message of messages) await run(message);
    const { user, system } = process.cpuUsage(before);
    const peakKb = /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
    process.send({ cpuMs: (user + system) / 1000, peakMb: peakKb / 1024, failed });
  });
  process.send("ready");`;

const root = fileURLToPath(new URL("../..", import.meta.url));
const environment = await startBenchEnvironment();
const { composeApi } = await import("../../functions/composition/api.ts");
const { composeCallback } = await import("../../functions/composition/callback.ts");
// In the tree, because the bundle imports the package that it does not contain.
const out = mkdtempSync(join(root, ".sst-submit-"));
await build({
  absWorkingDir: root,
  entryPoints: [join(root, "functions/submit.ts")],
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  platform: "node",
  format: "esm",
  target: "es2024",
  mainFields: ["module", "main"],
  external: ["sharp"],
  banner: { js: BANNER },
});
writeFileSync(join(out, "child.mjs"), CHILD);
const submit = await start();

console.log(`${MEMORY_MB} MB: ${(await invoke([])).peakMb.toFixed(0)} MB before the first call`);
const cpu: Record<"an image" | "four upscales", number[]> = { "an image": [], "four upscales": [] };
for (let round = 0; round <= ROUNDS; round++) {
  const images = await created(round === 0 ? WARM_UP : CALLS);
  const image = await invoke(images);
  const upscales = await followUps(images);
  const four = await invoke(upscales);
  if (round > 0) cpu["an image"].push(image.cpuMs / images.length);
  if (round > 0) cpu["four upscales"].push(four.cpuMs / upscales.length);
  console.log(`round ${round}: up to ${four.peakMb.toFixed(0)} MB`);
}
for (const [name, values] of Object.entries(cpu))
  console.log(
    `${name.padEnd(16)} ${median(values).toFixed(1)} ms of CPU (${values.map((ms) => ms.toFixed(1)).join(", ")})`,
  );
for (const together of [1, 2, 2, 2]) {
  const { peakMb } = await invoke(await created(together, { base64Array: [IMAGE] }), true);
  console.log(
    `${together} requests with 5 MB of images, sent as the image semaphore allows: up to ${peakMb.toFixed(0)} MB`,
  );
}
submit.disconnect();
await environment.stop();
rmSync(out, { recursive: true, force: true });
process.exit();

/** Lambda gives the old generation nine tenths of the memory, and the young one a twentieth. */
async function start(): Promise<ChildProcess> {
  const limit = (name: string, part: number) => `--max-${name}-size=${Math.floor(MEMORY_MB * part)}`;
  const child = fork(join(out, "child.mjs"), {
    execArgv: [limit("old-space", 0.9), limit("semi-space", 0.05)],
    env: { ...process.env, MJFLOW_LOG: "info", AWS_LAMBDA_FUNCTION_NAME: "measured" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  child.once("exit", (code) => code === 0 || process.exit(1));
  return child;
}

async function invoke(messages: readonly object[], together = false): Promise<{ cpuMs: number; peakMb: number }> {
  submit.send({ messages: messages.map((message) => JSON.stringify(message)), together });
  const [result] = (await once(submit, "message")) as [{ cpuMs: number; peakMb: number; failed: number }];
  if (result.failed > 0) throw new Error(`${result.failed} messages failed`);
  return result;
}

/** A queue that keeps its messages, so that the local server does not handle them. */
function keptQueue() {
  const messages: object[] = [];
  const send = async (sent: readonly OutgoingMessage[]) => void messages.push(...sent.map(({ message }) => message));
  return { messages, send };
}

/** @returns the messages of new flows */
async function created(flows: number, request: Partial<FlowRequest> = {}): Promise<object[]> {
  const queue = keptQueue();
  const imageUrl = () => "https://api.test";
  const deps = { ...composeApi(), queue, imageUrl } as unknown as Parameters<typeof createFlow>[0];
  const then = [1, 2, 3, 4].map((n) => ({ press: `U${n}` }));
  const options = { storeProgress: false, resubmit: "after-grace" as const, archive: false as const };
  for (let i = 0; i < flows; i++)
    await createFlow(deps, "app_default", { provider: "simulator", prompt: "a boat", then, ...request }, options);
  return queue.messages;
}

/** Ends submitted images. @returns the messages of their follow-ups */
async function followUps(images: readonly object[]): Promise<object[]> {
  const queue = keptQueue();
  const deps = { ...composeCallback(), queue, readCallback } as unknown as Parameters<typeof handleCallback>[0];
  const account = { provider: "simulator", account: "default" };
  const expiresAt = Date.now() + 3_600_000;
  for (const { flowId } of images as { flowId: string }[]) {
    const claims = { flowId, path: "0", attempt: 1, ...account, expiresAt, progress: false, calling: true };
    const token = composeCallback().callbackTokens.url(claims).split("/").at(-1)!;
    await handleCallback(deps, token, SUCCESS);
  }
  return queue.messages;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
