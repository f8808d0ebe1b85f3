/**
 * A durable workflow with a wait, as on Inngest: submit is a step (retried when it throws or dies), then the run waits for
 * the event of that vendor task, for 30 minutes; the first that matches resumes it. The platform itself loses nothing and
 * never sleeps here, which is kinder than life. A secret in the webhook's address stands for the event key.
 *
 * What it lacks: the wait begins once the answer is known and the step recorded, so an earlier callback meets nobody; a
 * step that died or got no answer is simply run, and paid, again; a lost callback is 30 minutes, and then the branch.
 * Its one address is the same secret for every task, which the vendor keeps and shows with each.
 */
import type { Report } from "@mjflow/core/report";
import { type BaselineEnvironment, HOOK, type Ports, type Row, type System } from "./environment.ts";

const TIMEOUT_MS = 30 * 60_000;
const STEP_TRIES = 5;
const STEP_PAUSE_MS = 10_000;
/** From a step's return to the wait being registered: two requests to the platform. */
const REGISTER_MS = { min: 50, max: 250 };

export function waitSystem({ scheduler, rng, start, childrenOf, place }: BaselineEnvironment): System {
  const waits = new Map<string, (report: Report | undefined) => void>();

  /** Undefined once every try has died or thrown. */
  async function step<T extends object>(name: string, body: (ports: Ports) => Promise<T>): Promise<T | undefined> {
    for (let i = 0; i < STEP_TRIES; i++) {
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
    const answer = await step("submit", async ({ vendor }) => {
      const given = await place(vendor, row);
      if (given.kind === "accepted" || given.kind === "refused") return given;
      throw new Error(given.kind);
    });
    if (answer?.kind !== "accepted") return void (await save({ ...row, status: "failed" }));
    const running: Row = { ...row, status: "running", vendorTaskId: answer.vendorTaskId };
    await scheduler.pause(rng.int(REGISTER_MS.min, REGISTER_MS.max));
    const report = await waitFor(answer.vendorTaskId);
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
