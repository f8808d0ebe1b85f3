/** The measured systems and their requirements. */
import { existsSync } from "node:fs";
import { findProgram } from "../program.ts";

export interface System {
  title: string;
  script: URL;
  isSynced: boolean;
  /** Programs of servers, and npm packages of peers/package.json. */
  needs: { programs: readonly string[]; packages: readonly string[] };
}

const at = (path: string) => new URL(path, import.meta.url);
const BULLMQ = {
  script: at("../peers/bullmq.ts"),
  needs: { programs: ["redis-server"], packages: ["bullmq", "ioredis"] },
};
const PGBOSS = {
  script: at("../peers/pgboss.ts"),
  needs: { programs: ["initdb", "postgres", "pg_isready"], packages: ["pg-boss", "pg"] },
};
const NOTHING = { programs: [], packages: [] };

/** All systems, in the order of the charts. */
export const SYSTEMS = {
  mjflow: { title: "mjflow", script: at("./mjflow.ts"), isSynced: true, needs: NOTHING },
  bullmq: { title: "BullMQ + Redis", ...BULLMQ, isSynced: true },
  pgboss: { title: "pg-boss + PostgreSQL", ...PGBOSS, isSynced: true },
  "bullmq-relaxed": { title: "BullMQ, synced each second", ...BULLMQ, isSynced: false },
  "pgboss-relaxed": { title: "pg-boss, commits not synced", ...PGBOSS, isSynced: false },
  memory: { title: "in memory, nothing stored", script: at("../peers/memory.ts"), isSynced: false, needs: NOTHING },
} as const satisfies Record<string, System>;

export type SystemName = keyof typeof SYSTEMS;
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as SystemName[];

/** Reason why a system cannot run on this machine; undefined if it can. */
export function missing({ needs }: System): string | undefined {
  const program = needs.programs.find((name) => !findProgram(name));
  if (program !== undefined) return `${program} is not installed (Debian: redis-server, postgresql)`;
  const folder = new URL("../peers/node_modules/", import.meta.url);
  const absent = needs.packages.find((name) => !existsSync(new URL(`${name}/package.json`, folder)));
  return absent && `${absent} is not installed (npm ci --prefix test/bench/peers)`;
}
