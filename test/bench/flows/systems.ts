/** Who is measured, and what each needs to run here. */
import { existsSync } from "node:fs";
import { findProgram } from "../program.ts";

export interface System {
  title: string;
  script: URL;
  isSynced: boolean;
  /** Servers' programs, and npm packages of peers/package.json. */
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

/** In the order of the charts. */
export const SYSTEMS = {
  mjflow: { title: "mjflow", script: at("./mjflow.ts"), isSynced: true, needs: NOTHING },
  bullmq: { title: "BullMQ + Redis", ...BULLMQ, isSynced: true },
  pgboss: { title: "pg-boss + PostgreSQL", ...PGBOSS, isSynced: true },
  "bullmq-relaxed": { title: "BullMQ, synced each second", ...BULLMQ, isSynced: false },
  "pgboss-relaxed": { title: "pg-boss, commits not awaited", ...PGBOSS, isSynced: false },
  memory: { title: "in memory, nothing kept", script: at("../peers/memory.ts"), isSynced: false, needs: NOTHING },
} as const satisfies Record<string, System>;

export type SystemName = keyof typeof SYSTEMS;
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as SystemName[];

/** Why a system cannot run here; nothing when it can. */
export function missing({ needs }: System): string | undefined {
  const program = needs.programs.find((name) => !findProgram(name));
  if (program !== undefined) return `${program} is not installed (Debian: redis-server, postgresql)`;
  const folder = new URL("../peers/node_modules/", import.meta.url);
  const absent = needs.packages.find((name) => !existsSync(new URL(`${name}/package.json`, folder)));
  return absent && `${absent} is not installed (npm ci --prefix test/bench/peers)`;
}
