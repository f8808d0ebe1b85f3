/**
 * Creates any number of ended flows. The rows have the store's encoding and are written in DynamoDB's export format,
 * which the `import` of dynoxide loads. This takes minutes; single writes would take hours.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Flow } from "@mjflow/core/flow";
import { childPath, flowIdOf, ROOT_PATH } from "@mjflow/core/id";
import type { Result } from "@mjflow/core/report";
import { newTask, type Task } from "@mjflow/core/task";
import { TABLE } from "@mjflow/local/provision";
import type { Item } from "@mjflow/store/codec";
import { FLOW, TASK } from "@mjflow/store/item";
import { flowKey, type Key, listedAt, taskKey } from "@mjflow/store/keys";
import { tableDefinition } from "@mjflow/store/schema";
import { findDynoxide } from "../../support/emulator/dynoxide.ts";
import { RESULT } from "./report.ts";

export const APP = "app_default";
/** Creation time of the first flow; each further flow is a second younger. */
const SINCE = Date.UTC(2026, 10, 1);
const FLOWS_PER_WRITE = 500;
const UPSCALES = [1, 2, 3, 4];

/** Id of the n-th flow of the history. */
export function historicFlowId(index: number): string {
  const random = Buffer.alloc(10);
  random.writeUInt32BE(index, 6);
  return flowIdOf(createdAt(index), random);
}

/** @returns the duration of the import */
export function loadHistory(dataDir: string, flows: number): { seconds: number } {
  const startedAt = performance.now();
  const source = join(dataDir, "export");
  mkdirSync(join(source, TABLE, "data"), { recursive: true });
  const file = openSync(join(source, TABLE, "data", "history.json"), "w");
  for (let i = 0; i < flows; i += FLOWS_PER_WRITE) {
    const count = Math.min(FLOWS_PER_WRITE, flows - i);
    writeSync(file, Array.from({ length: count }, (_, k) => linesOf(i + k)).join(""));
  }
  closeSync(file);
  const schema = join(source, "schema.json");
  writeFileSync(schema, JSON.stringify({ Table: { ...tableDefinition(TABLE), TableStatus: "ACTIVE" } }));
  const given = ["--source", source, "--schema", schema, "--output", tableFileIn(dataDir)];
  execFileSync(findDynoxide()!, ["import", ...given], { stdio: ["ignore", "ignore", "ignore"] });
  rmSync(source, { recursive: true });
  return { seconds: (performance.now() - startedAt) / 1_000 };
}

/** Path of the table file of the local server. */
export function tableFileIn(dataDir: string): string {
  return join(dataDir, "table.dynoxide.db");
}

function createdAt(index: number): number {
  return SINCE + index * 1_000;
}

/**
 * The attributes that a row has in common with the same row of every other flow. They are encoded only once, because a
 * million flows would otherwise take an hour.
 */
const sharedOf = ({ pk: _pk, sk: _sk, cr: _cr, listedAt: _listed, ...rest }: Item): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(rest).map(([name, { B, ...value }]) => [name, B ? { B: base64(B) } : value])),
  ).slice(1, -1);

const FLOW_ROW = sharedOf(FLOW.toItem(endedFlow(historicFlowId(0), SINCE)));
const TASK_ROWS = [ROOT_PATH, ...UPSCALES.map((n) => childPath(ROOT_PATH, n))].map((path) => ({
  path,
  shared: sharedOf(TASK.toItem(endedTask(historicFlowId(0), path, SINCE))),
}));

function linesOf(index: number): string {
  const flowId = historicFlowId(index);
  const at = createdAt(index);
  const own = ({ pk, sk }: Key) => `"pk":{"S":"${pk}"},"sk":{"S":"${sk}"},"cr":{"N":"${at}"}`;
  const listed = `"listedAt":{"S":"${listedAt(at, flowId)}"}`;
  const tasks = TASK_ROWS.map(({ path, shared }) => `{"Item":{${own(taskKey(flowId, path))},${shared}}}\n`);
  return `{"Item":{${own(flowKey(flowId))},${listed},${FLOW_ROW}}}\n${tasks.join("")}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

// ── ended flows and tasks ──────────────────────────────────────────────────────────────────────────────────────────

export function endedFlow(id: string, at: number): Flow {
  return {
    id,
    appId: APP,
    rev: 2,
    status: "completed",
    action: "imagine",
    provider: "simulator",
    account: "default",
    prompt: "a paper boat on calm water",
    progress: false,
    createdAt: at,
    endedAt: at + 60_000,
  };
}

export function endedTask(flowId: string, path: string, at: number): Task {
  return {
    ...submittedTask(flowId, path, at),
    rev: 4,
    status: "SUCCESS",
    progress: 100,
    endedAt: at + 60_000,
    endedBy: 1,
    callbacks: 1,
    result: RESULT satisfies Result,
  };
}

/** A submitted task that waits for its callback. */
export function submittedTask(flowId: string, path: string, at: number): Task {
  const isRoot = path === ROOT_PATH;
  const { due: _, ...task } = newTask(
    {
      flowId,
      path,
      provider: "simulator",
      account: "default",
      pace: "fast",
      action: isRoot ? "IMAGINE" : "UPSCALE",
      ...(!isRoot && { press: "upscale:1", customId: "MJ::JOB::upsample::1::8f4a1c52-0c3b-4c6e-9f0e-2a7f3f6f5e11" }),
    },
    at,
    0,
  );
  return { ...task, rev: 3, status: "SUBMITTED", attempt: 1, vendorTaskId: "1763700000000123", submittedAt: at };
}
