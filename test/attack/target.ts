/**
 * A local server in its own process as the target of attacks. Tests send raw bytes to it, create tokens with its own
 * key and read its complete output.
 */
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
  const server = await spawnServer({
    dataDir,
    env: {
      NODE_OPTIONS: `--import ${PRELOAD}`,
      MJFLOW_TEST_OUTPUT: file("output.txt"),
      MJFLOW_TEST_LIMITS: file("limits.json"),
      MJFLOW_LOG: "debug",
    },
  });
  const port = Number(new URL(server.url).port);
  return {
    server,
    port,
    read: (name: "output.txt" | "limits.json" | "hook.key") => readFileSync(file(name), "utf8"),
    /** All output after the greeting, because the greeting shows the API key on purpose. */
    logs: () => readFileSync(file("output.txt"), "utf8").split("Ctrl-C stops it")[1]!,
    /** A callback token for the root of the flow; it is valid unless another key is given. */
    async tokenOf(id: string, key = readFileSync(file("hook.key"), "utf8").trim()): Promise<string> {
      const task = (await server.flow(id)).tasks[0];
      return tokenFor(id, task.provider, key);
    },
    raw: (bytes: string | Buffer) => raw(port, bytes),
    async stop() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function tokenFor(flowId: string, provider: string, key: string): string {
  const claims = { flowId, path: "0", attempt: 1, provider, account: "default", progress: true, calling: false };
  const tokens = createCallbackTokens({ keys: [key], callbackUrl: "http://here" });
  return tokens.url({ ...claims, expiresAt: Date.now() + HOUR }).split("/callbacks/")[1]!;
}

/** Returns the response bytes, until the server closes the connection or a chunked response is complete. */
function raw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let response = "";
    const socket = connect({ port, host: "127.0.0.1" });
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on("data", (chunk) => {
      response += chunk.toString("latin1");
      if (/\r\n0\r\n\r\n$/.test(response)) socket.destroy();
    });
    // A connection that ends in the middle of a response also counts as a response.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(response));
    socket.write(bytes);
  });
}

export const statusOf = (response: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1] ?? 0);

/** Resident memory of a process, in MB. */
export function memoryOf({ pid }: SpawnedServer): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1_024;
}

/** Duration of one health check, ms. */
export async function measureLatency(server: SpawnedServer): Promise<number> {
  const from = performance.now();
  const { status } = await server.call("GET", "/healthz");
  if (status !== 200) throw new Error(`healthz: ${status}`);
  return performance.now() - from;
}
