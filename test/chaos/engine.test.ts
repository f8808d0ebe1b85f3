/** The table's engine, a process of its own, dies under the house. */
import { readFileSync } from "node:fs";
import { SUBMIT_LEASE_MS } from "@mjflow/core/limit";
import { findDynoxide } from "@mjflow/local/engine/dynoxide";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ChaosSite,
  createChaosSite,
  expectAllEnded,
  isAlive,
  receivedEvents,
  TASKS,
  waitForExit,
} from "./site.ts";

const FLOWS = 4;

let site: ChaosSite;
beforeAll(async () => {
  site = await createChaosSite({}, { MJFLOW_ENGINE: "dynoxide" });
});
afterAll(() => site.clear());

const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);

/** The others run inside the house and die with it. */
test.runIf(findDynoxide() !== undefined)(
  "its table engine killed -9 in the middle: the house says so and ends; started again, each flow ends",
  async () => {
    let server = await site.start();
    const started = await site.startFlows(FLOWS, ["searched", "never"]);
    await receivedEvents(server, (FLOWS * TASKS) / 2);
    const [engine, ...others] = childrenOf(server.pid);
    expect(others).toEqual([]);
    process.kill(engine!, "SIGKILL");
    await waitForExit(server.pid);
    expect(isAlive(engine!)).toBe(false);
    expect(site.output()).toMatch(/The table is gone: dynoxide ended with SIGKILL.*start mjflow again/);

    server = await site.start(SUBMIT_LEASE_MS + 1_000);
    await expectAllEnded(site, started);
  },
);
