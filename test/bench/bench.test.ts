import { expect, test } from "vitest";
import { benchBacklog } from "./backlog.ts";
import { lineChart } from "./chart/line.ts";
import { stale } from "./document.ts";
import { missing, SYSTEM_NAMES, SYSTEMS, type SystemName } from "./flows/systems.ts";
import { benchFlows, medianRatio, shares, verify, withSystem } from "./flows.ts";
import { benchProgress } from "./progress.ts";
import { benchServer } from "./server.ts";

const FLOWS = 3;

/** Commands or records of one flow at a time. More of them would make a peer slower than it has to be. */
const REQUESTS: Partial<Record<SystemName, number>> = { bullmq: 30, hono: 6, "node-http": 6 };

for (const name of SYSTEM_NAMES.filter((system) => SYSTEMS[system].options.isSynced)) {
  const why = missing(SYSTEMS[name]);
  const most = REQUESTS[name];
  test.skipIf(why)(
    `${name} ends every flow with five paid images and presses each button once${most ? `, with at most ${most} requests` : ""}${why ? `: ${why}` : ""}`,
    () =>
      withSystem(SYSTEMS[name], async ({ run, complete, counts }) => {
        await run(1, 1);
        const before = most && (await counts()).requests;
        const ran = await run(FLOWS, 1);
        const after = most && (await counts()).requests;
        await complete();
        verify(name, ran);
        expect(ran).toMatchObject({
          paid: Array(FLOWS).fill(5),
          callbacks: FLOWS * 50 + ran.doubled,
          otherRequests: 0,
        });
        if (!most) return;
        expect((after! - before!) / FLOWS).toBeLessThanOrEqual(most);
        expect(after! - before!).toBeGreaterThanOrEqual(FLOWS * 6);
      }),
  );
}

test("driver and vendor must each cost less than a tenth of the measured system", () => {
  expect(shares({ cpuMsPerFlow: 20, vendorCpuMs: 1.9, driverCpuMs: 0.2 })).toEqual([]);
  expect(shares({ cpuMsPerFlow: 20, vendorCpuMs: 2.1, driverCpuMs: 5 })).toEqual([
    "the vendor costs 11 % of the system",
    "the driver costs 25 % of the system",
  ]);
});

test("systems are measured in turn, and their ratios are those of the same round", async () => {
  const sizes = { rounds: 1, warmUpFlows: 1, flows: 4, concurrency: 2, aloneFlows: 2, slices: 2, settleMs: 1 };
  const { rows, reference } = await benchFlows({ ...sizes, systems: ["node-http", "mjflow"] });
  expect(reference).toBe(SYSTEMS["node-http"].title);
  expect(rows.map(({ system, flowsPerSTimes }) => [system, flowsPerSTimes])).toEqual([
    ["node-http", 1],
    ["mjflow", rows[1]!.flowsPerS / rows[0]!.flowsPerS],
  ]);
  for (const row of rows) expect(Math.min(row.flowsPerS, row.followUpMs, row.ackMs, row.loadCpus)).toBeGreaterThan(0);
});

test("the ratio of a system is the median of the ratios of the rounds, however fast each round was", () => {
  const round = (ours: number, other: number) => new Map(Object.entries({ ours, other }));
  const rounds = [round(20, 10), round(60, 20), round(8, 8)];
  expect(medianRatio(rounds, "ours", "other", (value) => value)).toBe(2);
});

test("the benchmark of progress runs usual flows and long ones, and leaves out rows that store progress", async () => {
  const sizes = { rounds: 1, warmUpFlows: 1, flows: 2, concurrency: 2, steps: 40 };
  const { rows, reference } = await benchProgress({ ...sizes, systems: ["node-http", "mjflow-progress"] });
  expect([rows.map(({ system }) => system), reference]).toEqual([["node-http"], SYSTEMS["node-http"].title]);
  expect(rows[0]).toMatchObject({ times: expect.any(Number), vendorUs: expect.any(Number) });
});

test("the benchmark of one server has a row for each number of flows at the same time", async () => {
  const found = await benchServer({ steps: [1, FLOWS], flowsEach: 1, atLeast: FLOWS, warmUpFlows: 1 });
  expect(found.rows.map(({ concurrency, flows }) => [concurrency, flows])).toEqual([
    [1, FLOWS],
    [FLOWS, FLOWS],
  ]);
  expect(found.callbacksPerFlow).toBe(50);
  for (const row of found.rows) expect(Math.min(row.flowsPerS, row.p50Ms, row.p99Ms)).toBeGreaterThan(0);
});

test("the benchmark of a backlog accepts all flows, and all of them end", async () => {
  const found = await benchBacklog({
    flows: 20,
    connections: 20,
    warmUpFlows: 1,
    steadyFlows: FLOWS,
    steadyConcurrency: 1,
  });
  expect(found.rows.map(({ phase }) => phase)).toEqual(["steady", "accepting", "draining"]);
  expect(found.rows[1]!.ended + found.rows[2]!.ended).toBe(20);
  expect(found.memory.map(({ share }) => share)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  for (const { longestPauseMs, healthP50Ms } of found.rows.slice(0, 2))
    expect(Math.min(longestPauseMs, healthP50Ms)).toBeGreaterThan(0);
});

test("docs/performance.md and its charts match the results; otherwise run npm run bench:charts", () => {
  expect(stale()).toEqual([]);
});

test("the labels of lines that end close to each other do not overlap", () => {
  const lines = ["a", "b", "c"].map((label) => ({ label, values: [1, 5] }));
  const svg = lineChart("", { title: "", unit: "ms", sizes: [1, 10], lines });
  const heights = [...svg.matchAll(/y="([\d.]+)">[abc] /g)].map(([, y]) => Number(y));
  expect(heights).toHaveLength(3);
  const gaps = heights.sort((a, b) => a - b).map((y, i) => (i === 0 ? Number.POSITIVE_INFINITY : y - heights[i - 1]!));
  expect(Math.min(...gaps)).toBeGreaterThan(13);
});
