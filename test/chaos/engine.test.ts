/** The table engine dynoxide, which runs in its own process, is killed while the local server runs. */
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

/** Only dynoxide is tested: the other backends run in the process of the server. */
test.runIf(findDynoxide() !== undefined)(
  "after kill -9 of dynoxide the server reports it and exits; after a restart every flow ends",
  async () => {
    let server = await site.start();
    const started = await site.startFlows(FLOWS, ["searched", "never"]);
    await receivedEvents(server, (FLOWS * TASKS) / 2);
    const [engine, ...others] = childrenOf(server.pid);
    expect(others).toEqual([]);
    process.kill(engine!, "SIGKILL");
    await waitForExit(server.pid);
    expect(isAlive(engine!)).toBe(false);
    expect(site.output()).toMatch(
      /The local backend has crashed: dynoxide ended with SIGKILL.*Start the local server again/,
    );

    server = await site.start(SUBMIT_LEASE_MS + 1_000);
    await expectAllEnded(site, started);
  },
);
