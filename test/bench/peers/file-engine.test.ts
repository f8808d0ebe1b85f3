import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Report } from "./engine.ts";
import { createFileEngine } from "./file-engine.ts";

const PLAN = { prompt: "a paper boat", presses: ["U1", "U2"] };
const ROOT = { flowId: "flow_1", path: "0" };
const SUCCESS: Report = {
  vendorTaskId: "7",
  isSuccess: true,
  buttons: ["U1", "U2", "V1"].map((label) => ({ label, customId: `MJ::${label}` })),
};

function openEngine(dataDir: string) {
  const submitted: string[] = [];
  const submit = async (what: string) => {
    submitted.push(what);
    return { kind: "accepted", vendorTaskId: "1" } as const;
  };
  const vendor = { imagine: submit, press: (_: string, customId: string) => submit(customId) };
  const engine = createFileEngine(dataDir, vendor, ({ flowId, path }) => `http://127.0.0.1/${flowId}.${path}`);
  return { engine, submitted };
}

function newFolder(): string {
  const dataDir = mkdtempSync(join(tmpdir(), "mjflow-bench-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

const recordsOf = (dataDir: string) => readFileSync(join(dataDir, "flows.log"), "utf8").split("\n").slice(0, -1);

test("a flow and each end are in the file when they are acknowledged, and a repeated end presses no button again", async () => {
  const dataDir = newFolder();
  const { engine, submitted } = openEngine(dataDir);
  onTestFinished(engine.close);
  await engine.create(ROOT.flowId, PLAN);
  expect(recordsOf(dataDir)).toHaveLength(1);
  await Promise.all([engine.ended(ROOT, SUCCESS), engine.ended(ROOT, SUCCESS)]);
  expect(recordsOf(dataDir)).toHaveLength(2);
  await engine.ended(ROOT, SUCCESS);
  expect(submitted).toEqual([PLAN.prompt, "MJ::U1", "MJ::U2"]);
  expect(engine.count()).toBe(2);
});

test("a restart knows the flows and their ends, submits nothing again, and accepts the missing ends", async () => {
  const dataDir = newFolder();
  const before = openEngine(dataDir);
  await before.engine.create(ROOT.flowId, PLAN);
  await before.engine.ended(ROOT, SUCCESS);
  before.engine.close();
  const { engine, submitted } = openEngine(dataDir);
  onTestFinished(engine.close);
  await engine.ended(ROOT, SUCCESS);
  expect(await engine.status(ROOT.flowId)).toBe("running");
  for (const path of ["0-1", "0-2"]) await engine.ended({ ...ROOT, path }, { ...SUCCESS, buttons: [] });
  expect(await engine.status(ROOT.flowId)).toBe("completed");
  expect([submitted, recordsOf(dataDir).length]).toEqual([[], 4]);
});

test("an end of an unknown flow is refused", async () => {
  const { engine } = openEngine(newFolder());
  onTestFinished(engine.close);
  await expect(engine.ended(ROOT, SUCCESS)).rejects.toThrow("Unknown flow");
  expect(await engine.status(ROOT.flowId)).toBeUndefined();
});
