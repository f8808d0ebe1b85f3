/** The checks of the simulation find what they are for, and take the clocks of workers for what they are: wrong. */

import { globSync, readFileSync } from "node:fs";
import { failure } from "@mjflow/core/error";
import { TIMINGS } from "@mjflow/core/timing";
import { beforeEach, describe, expect, test } from "vitest";
import { expectNoFindings } from "./expect-no-findings.ts";
import { checkInvariants } from "./invariant.ts";
import { runSimulation, type SimulationRun } from "./simulation.ts";

type FlowState = SimulationRun["flows"] extends Map<string, infer F> ? F : never;

let run: SimulationRun;
beforeEach(async () => {
  run = await runSimulation({ seed: 1, flows: 1, plan: [{ press: "U1" }], hooks: false });
});

const found = (word: string) => checkInvariants(run).findings.filter((finding) => finding.includes(word));

test("a run without faults has no findings", () => {
  expectNoFindings(checkInvariants(run).findings);
});

test("the message of a failed simulation has the seed and the rule", () => {
  run.isQuiet = false;
  const fail = () => expectNoFindings(checkInvariants(run).findings);
  expect(fail).toThrow(/^seed 1: .*still due/);
});

// The assertion alone says only "expected [ Array(1) ] to deeply equal []" in the reporters for machines.
test("every test of a simulation shows its findings in the message", () => {
  const files = globSync("test/**/*.test.ts", { cwd: new URL("../../", import.meta.url).pathname });
  const silent = files.filter((file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    return /expect\([^;\n]*\bfindings\b[^;\n]*\)\s*\.toEqual\(/.test(text);
  });
  expect(silent).toEqual([]);
});

test("a run that never gets quiet is a finding", () => {
  run.isQuiet = false;
  expect(found("still due")).toHaveLength(1);
});

// Seed 1015840: a process whose clock was 4.5 s behind canceled a flow a second after its root was submitted.
describe("a submission after the cancellation of its flow", () => {
  const wordsOf = () => found("submitted after the cancellation");
  function cancel(writtenAfterMs: number, clockMs: number): void {
    const [[id, whole]] = [...run.flows] as unknown as [[string, FlowState]];
    const at = Math.max(...run.vendor.accepted.map((task) => task.at)) + writtenAfterMs;
    run.writtenAt.cancellation.set(id, at);
    run.flows.set(id, { ...whole, flow: { ...whole.flow, canceledAt: at + clockMs } });
  }

  test.each([0, -5_000, 5_000])("is found when the clock of the canceling process differs by %i ms", (clockMs) => {
    cancel(-1_001, clockMs);
    expect(wordsOf()).toHaveLength(1);
  });

  test.each([0, -5_000, 5_000])("is none if it was written later, with a clock that differs by %i ms", (clockMs) => {
    cancel(1_000, clockMs);
    expect(wordsOf()).toEqual([]);
  });
});

// Seed 1019176: a worker whose clock was three seconds ahead ended a press on a refusal of its vendor.
describe("a press that ended because its parent was not ready", () => {
  const wordsOf = () => found("without a reason");
  function end(refusedBeforeEndMs: number, waitedMs: number, clockMs: number): void {
    const [[id, whole]] = [...run.flows] as unknown as [[string, FlowState]];
    const name = `${id} 0-0`;
    const endedAt = run.writtenAt.creation.get(name)! + waitedMs;
    run.writtenAt.end.set(name, endedAt);
    const ended = { failure: failure("parent_not_ready"), endedAt: endedAt + clockMs };
    const tasks = whole.tasks.map((task) => (task.path === "0-0" ? { ...task, ...ended } : task));
    run.flows.set(id, { ...whole, tasks });
    (run.vendor.notYet as Map<string, number>).set(name.slice("flow_".length), endedAt - refusedBeforeEndMs);
  }

  test.each([0, -5_000, 5_000])("has a reason if the vendor refused it then, with a clock %i ms off", (clockMs) => {
    end(30, TIMINGS.parentMs - 1_300, clockMs);
    expect(wordsOf()).toEqual([]);
  });

  test.each([0, -5_000, 5_000])(
    "has none if the vendor last refused it long before, with a clock %i ms off",
    (clockMs) => {
      end(20_000, TIMINGS.parentMs, clockMs);
      expect(wordsOf()).toHaveLength(1);
    },
  );
});
