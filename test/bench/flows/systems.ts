/** The measured systems and their requirements. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HEAP_FLAGS } from "@mjflow/local/heap";
import type { NodeOptions } from "../child.ts";
import { findProgram } from "../program.ts";
import type { RowOptions } from "./system.ts";

export interface System {
  title: string;
  script: URL;
  options: RowOptions;
  /** Unset: Node without flags. */
  node?: NodeOptions;
  /** Programs of servers, and npm packages of peers/package.json. */
  needs: { programs: readonly string[]; packages: readonly string[] };
}

const at = (path: string) => new URL(path, import.meta.url);
/** As bin/start.mjs starts the server: the flags of its heap, and the compiled code of an earlier start. */
const AS_STARTED = {
  execArgv: HEAP_FLAGS,
  env: { NODE_COMPILE_CACHE: fileURLToPath(at("../../../node_modules/.cache/compile")) },
} satisfies NodeOptions;
const MJFLOW = { script: at("./mjflow.ts"), node: AS_STARTED, needs: { programs: [], packages: [] } };
/** The peers have the flags too, which save up to a third of the memory at the same CPU time. */
const BULLMQ = {
  script: at("../peers/bullmq.ts"),
  node: { execArgv: HEAP_FLAGS },
  needs: { programs: ["redis-server"], packages: ["bullmq", "ioredis"] },
};
const HONO = {
  script: at("../peers/hono.ts"),
  node: { execArgv: HEAP_FLAGS },
  needs: { programs: [], packages: ["@hono/node-server", "hono"] },
};
const NODE_HTTP = {
  script: at("../peers/node-http.ts"),
  node: { execArgv: HEAP_FLAGS },
  needs: { programs: [], packages: [] },
};
const SYNCED = { isSynced: true, storesProgress: false };
const WITH_PROGRESS = { isSynced: true, storesProgress: true };

/** All systems, in the order of the charts. */
export const SYSTEMS = {
  mjflow: { title: "mjflow", ...MJFLOW, options: SYNCED },
  bullmq: { title: "BullMQ + Redis", ...BULLMQ, options: SYNCED },
  "bullmq-relaxed": { title: "BullMQ, synced each second", ...BULLMQ, options: { ...SYNCED, isSynced: false } },
  hono: { title: "bare Hono, a file", ...HONO, options: SYNCED },
  "node-http": { title: "bare node:http, a file", ...NODE_HTTP, options: SYNCED },
  "mjflow-progress": { title: "mjflow, progress stored", ...MJFLOW, options: WITH_PROGRESS },
  "bullmq-progress": { title: "BullMQ + Redis, progress stored", ...BULLMQ, options: WITH_PROGRESS },
} as const satisfies Record<string, System>;

export type SystemName = keyof typeof SYSTEMS;
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as SystemName[];

/** Reason why a system cannot run on this machine; undefined if it can. */
export function missing({ needs }: System): string | undefined {
  const program = needs.programs.find((name) => !findProgram(name));
  if (program !== undefined) return `${program} is not installed (Debian: redis-server)`;
  const folder = new URL("../peers/node_modules/", import.meta.url);
  const absent = needs.packages.find((name) => !existsSync(new URL(`${name}/package.json`, folder)));
  return absent && `${absent} is not installed (npm ci --prefix test/bench/peers)`;
}
