/** A spawned house for attackers: spoken to in raw bytes, with tokens made from its own key, and all it prints kept. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCallbackTokens } from "@mjflow/engine/callback-token";
import { type SpawnedServer, spawnServer } from "../support/spawned.ts";

const PRELOAD = new URL("../chaos/preload.mjs", import.meta.url).href;
const HOUR = 3_600_000;

export type AttackTarget = Awaited<ReturnType<typeof createAttackTarget>>;

export async function createAttackTarget() {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-attack-"));
  const file = (name: string) => join(dataDir, name);
  const target = await spawnServer({
    dataDir,
    env: {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      MJFLOW_TEST_OUTPUT: file("output.txt"),
      MJFLOW_TEST_LIMITS: file("limits.json"),
      MJFLOW_LOG: "debug",
    },
  });
  const port = Number(new URL(target.url).port);
  return {
    house: target,
    port,
    read: (name: "output.txt" | "limits.json" | "hook.key") => readFileSync(file(name), "utf8"),
    /** All it printed since it greeted, which shows the key on purpose. */
    logs: () => readFileSync(file("output.txt"), "utf8").split("Ctrl-C stops it")[1]!,
    /** A callback address that is right, of the flow's root. */
    async tokenOf(id: string, key = readFileSync(file("hook.key"), "utf8").trim()): Promise<string> {
      const task = (await target.flow(id)).tasks[0];
      return tokenFor(id, task.provider, key);
    },
    raw: (bytes: string | Buffer) => raw(port, bytes),
    async stop() {
      await target.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function tokenFor(flowId: string, provider: string, key: string): string {
  const claims = { flowId, path: "0", attempt: 1, provider, account: "default", progress: true, calling: false };
  const hooks = createCallbackTokens({ keys: [key], callbackUrl: "http://here" });
  return hooks.url({ ...claims, expiresAt: Date.now() + HOUR }).split("/callbacks/")[1]!;
}

/** What comes back until the other side closes, or has said a whole answer and keeps the line. */
function raw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port, host: "127.0.0.1" });
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (/\r\n0\r\n\r\n$/.test(answer)) socket.destroy();
    });
    // Cut off in the middle of its own words is an answer, too.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(answer));
    socket.write(bytes);
  });
}

export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);

/** Resident memory of a process, in MB. */
export function memoryOf({ pid }: SpawnedServer): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1_024;
}

/** How long the house needs to say that it is well. */
export async function measureLatency(target: SpawnedServer): Promise<number> {
  const from = performance.now();
  const { status } = await target.call("GET", "/healthz");
  if (status !== 200) throw new Error(`healthz: ${status}`);
  return performance.now() - from;
}
