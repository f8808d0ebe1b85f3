/**
 * A durable workflow with a wait, as on Inngest. The submission is a step that is retried after an error or a crash.
 * The run then waits up to 30 minutes for the event of its vendor task; the first matching event resumes the run. The
 * platform itself has no faults here, which is better than in reality. A secret in the callback URL takes the role of
 * the event key.
 *
 * Weaknesses: the wait starts after the response is known and the step is recorded, so an earlier callback finds no
 * wait. A step that crashed or got no response runs again and is paid again. A lost callback costs 30 minutes and then
 * the branch. All tasks share one secret URL, which the vendor stores and returns with each task.
 */
import type { Report } from "@mjflow/core/report";
import { type BaselineEnvironment, HOOK, type Ports, type Row, type System } from "./environment.ts";

const TIMEOUT_MS = 30 * 60_000;
const STEP_ATTEMPTS = 5;
const STEP_PAUSE_MS = 10_000;
/** Time from the return of a step until the wait is registered: two requests to the platform. */
const REGISTER_MS = { min: 50, max: 250 };

export function waitSystem({ scheduler, rng, start, childrenOf, submitRow }: BaselineEnvironment): System {
  const waits = new Map<string, (report: Report | undefined) => void>();

  /** Runs a step; undefined if every attempt crashed or threw. */
  async function step<T extends object>(name: string, body: (ports: Ports) => Promise<T>): Promise<T | undefined> {
    for (let i = 0; i < STEP_ATTEMPTS; i++) {
      const result = await new Promise<T | undefined>((resolve) => start(name, body, resolve));
      if (result) return result;
      await scheduler.pause(STEP_PAUSE_MS * 2 ** i);
    }
    return undefined;
  }

  function waitFor(vendorTaskId: string): Promise<Report | undefined> {
    return new Promise((resolve) => {
      const end = (report: Report | undefined) => {
        waits.delete(vendorTaskId);
        resolve(report);
      };
      waits.set(vendorTaskId, end);
      scheduler.at(TIMEOUT_MS, () => waits.get(vendorTaskId) === end && end(undefined));
    });
  }

  const save = (...rows: Row[]) => step("save", async ({ table }) => ({ saved: await table.save(...rows) }));

  async function run(row: Row): Promise<void> {
    const outcome = await step("submit", async ({ vendor }) => {
      const submitted = await submitRow(vendor, row);
      if (submitted.kind === "accepted" || submitted.kind === "refused") return submitted;
      throw new Error(submitted.kind);
    });
    if (outcome?.kind !== "accepted") return void (await save({ ...row, status: "failed" }));
    const running: Row = { ...row, status: "running", vendorTaskId: outcome.vendorTaskId };
    await scheduler.pause(rng.int(REGISTER_MS.min, REGISTER_MS.max));
    const report = await waitFor(outcome.vendorTaskId);
    if (report?.status !== "SUCCESS") return void (await save({ ...running, status: "failed" }));
    const children = childrenOf(running, report);
    await save({ ...running, status: "done" }, ...children);
    await Promise.all(children.filter((child) => child.status === "waiting").map(run));
  }

  return {
    async accept({ table }, root) {
      await table.save(root);
      void run(root);
      return true;
    },
    async callback(_, report, token) {
      if (token !== HOOK) return false;
      if (report.status !== "SUCCESS" && report.status !== "FAILURE") return false;
      const resume = waits.get(report.vendorTaskId ?? "");
      resume?.(report);
      return resume !== undefined;
    },
  };
}
