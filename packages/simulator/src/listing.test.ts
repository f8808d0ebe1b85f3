/** Lists of recent tasks over HTTP. A client that lost a response finds its task by `state`. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "./json.ts";
import { type DialectId, type ManualClock, manualClock, type Simulator, startSimulator } from "./server.ts";
import { call, imagine } from "./test-client.ts";

let clock: ManualClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
});
afterEach(() => simulator.stop());

async function several(provider: DialectId, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    await imagine(simulator, provider, { state: `mark_${n}`, base64Array: [] });
    clock.advance(1);
  }
}

const states = (tasks: unknown) => (tasks as Fields[]).map(({ state }) => state);
const marks = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => `mark_${from - i}`);
const list = async (provider: DialectId) =>
  states(JSON.parse((await call(simulator, provider, "GET", "/task/list")).text));
const query = async (body: unknown) => (await call(simulator, "midjourney-proxy", "POST", "/task/query", body)).json;

describe("task list", () => {
  test("the list of trueai has the newest hundred tasks, newest first", async () => {
    await several("trueai", 130);
    expect(await list("trueai")).toEqual(marks(130, 31));
  });

  test.each(["midjourney-proxy", "simulator"] satisfies DialectId[])(
    "the list of %s has all tasks",
    async (provider) => {
      await several(provider, 130);
      expect(await list(provider)).toEqual(marks(130, 1));
    },
  );

  test("with newer tasks of other clients a short list ends before ours, and a search by state finds them", async () => {
    await several("trueai", 1);
    await several("midjourney-proxy", 1);
    for (const provider of ["trueai", "midjourney-proxy"] as const) simulator.scenario(provider, { newerTasks: 1_000 });
    expect(new Set(await list("trueai"))).toEqual(new Set(["other"]));
    expect(await list("midjourney-proxy")).toHaveLength(1_001);
    expect(states((await query({ state: "mark_1" })).content)).toEqual(["mark_1"]);
  });

  test("novicezk has the list, but no pages", async () => {
    simulator.scenario("midjourney-proxy", { variant: "novicezk" });
    await several("midjourney-proxy", 2);
    expect(await list("midjourney-proxy")).toEqual(marks(2, 1));
    expect((await call(simulator, "midjourney-proxy", "POST", "/task/query", {})).status).toBe(404);
  });

  test("the list contains a task without a response, and no task of another vendor", async () => {
    simulator.arm({ kind: "accept-then-drop" });
    await expect(imagine(simulator, "simulator", { state: "lost" })).rejects.toThrow();
    await imagine(simulator, "trueai", { state: "theirs" });
    expect(await list("simulator")).toEqual(["lost"]);
    expect(simulator.ledger().lookups).toMatchObject([{ verb: "list", ids: [], found: 1 }]);
  });
});

describe("task pages", () => {
  test("each page has its tasks, newest first, and says whether it is the last page", async () => {
    await several("midjourney-proxy", 5);
    const page = { pageSize: 2, sort: "id,desc" };
    const pages = [await query({ pageNumber: 0, ...page }), await query({ pageNumber: 2, ...page })];
    expect(pages).toMatchObject([
      { first: true, last: false, number: 0, size: 2, numberOfElements: 2, totalElements: 5, totalPages: 3 },
      { first: false, last: true, number: 2, size: 2, numberOfElements: 1, totalElements: 5, totalPages: 3 },
    ]);
    expect(pages.map(({ content }) => states(content)[0])).toEqual(["mark_5", "mark_1"]);
    expect(simulator.ledger().lookups.map(({ verb, found }) => [verb, found])).toEqual([
      ["query", 2],
      ["query", 1],
    ]);
  });

  test("a page has ten tasks by default, none after the last page, and can be filtered by state", async () => {
    await several("midjourney-proxy", 12);
    expect(states((await query({})).content)).toHaveLength(10);
    expect(await query({ pageNumber: 7 })).toMatchObject({ content: [], empty: true, last: true });
    expect(states((await query({ state: "mark_4" })).content)).toEqual(["mark_4"]);
  });

  test.each(["lookup-missing", "lookup-5xx"] as const)("the fault %s affects a page request", async (kind) => {
    await several("midjourney-proxy", 1);
    const fault = simulator.arm({ kind, verb: "query" });
    expect((await query({})).content ?? []).toEqual([]);
    expect(states((await query({})).content)).toEqual(["mark_1"]);
    expect(fault.fired).toBe(1);
  });
});
