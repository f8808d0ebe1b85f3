/** Lists of recent tasks, over real HTTP: whoever lost an answer finds its task by the `state` it sent. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "./json.ts";
import { type ManualClock, manualClock, type ProviderId, type Simulator, startSimulator } from "./server.ts";
import { call, imagine } from "./test-client.ts";

let clock: ManualClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = manualClock();
  simulator = await startSimulator({ clock, seed: 3 });
});
afterEach(() => simulator.stop());

async function several(provider: ProviderId, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    await imagine(simulator, provider, { state: `mark_${n}`, base64Array: [] });
    clock.advance(1);
  }
}

const states = (tasks: unknown) => (tasks as Fields[]).map(({ state }) => state);
const marks = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => `mark_${from - i}`);
const list = async (provider: ProviderId) =>
  states(JSON.parse((await call(simulator, provider, "GET", "/task/list")).text));
const query = async (body: unknown) => (await call(simulator, "midjourney-proxy", "POST", "/task/query", body)).json;

describe("the list of all tasks", () => {
  test("trueai-org's ends after a hundred, the newest first", async () => {
    await several("trueai", 130);
    expect(await list("trueai")).toEqual(marks(130, 31));
  });

  test.each(["midjourney-proxy", "simulator"] satisfies ProviderId[])("%s's has no end", async (provider) => {
    await several(provider, 130);
    expect(await list(provider)).toEqual(marks(130, 1));
  });

  test("novicezk has it, and no pages", async () => {
    simulator.scenario("midjourney-proxy", { variant: "novicezk" });
    await several("midjourney-proxy", 2);
    expect(await list("midjourney-proxy")).toEqual(marks(2, 1));
    expect((await call(simulator, "midjourney-proxy", "POST", "/task/query", {})).status).toBe(404);
  });

  test("holds a task whose answer was never given, and no task of another vendor", async () => {
    simulator.arm({ kind: "accept-then-drop" });
    await expect(imagine(simulator, "simulator", { state: "lost" })).rejects.toThrow();
    await imagine(simulator, "trueai", { state: "theirs" });
    expect(await list("simulator")).toEqual(["lost"]);
    expect(simulator.ledger().lookups).toMatchObject([{ verb: "list", ids: [], found: 1 }]);
  });
});

describe("pages", () => {
  test("each shows its part, newest first, and says whether it is the last", async () => {
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

  test("ten tasks unless it is said, none behind the last, and only those of a state that is named", async () => {
    await several("midjourney-proxy", 12);
    expect(states((await query({})).content)).toHaveLength(10);
    expect(await query({ pageNumber: 7 })).toMatchObject({ content: [], empty: true, last: true });
    expect(states((await query({ state: "mark_4" })).content)).toEqual(["mark_4"]);
  });

  test.each(["lookup-missing", "lookup-5xx"] as const)("%s spoils one", async (kind) => {
    await several("midjourney-proxy", 1);
    const fault = simulator.arm({ kind, verb: "query" });
    expect((await query({})).content ?? []).toEqual([]);
    expect(states((await query({})).content)).toEqual(["mark_1"]);
    expect(fault.fired).toBe(1);
  });
});
