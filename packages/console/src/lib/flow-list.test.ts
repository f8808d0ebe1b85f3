import type { FlowListEntry, FlowStatus, FlowSummary } from "@mjflow/client";
import { expect, test } from "vitest";
import { type LoadedFlows, mergeNewest, mergeOlder, staleDetails, withDetails } from "./flow-list.ts";

const flow = (n: number, status: FlowStatus = "completed") =>
  ({ id: `flow_${n}`, status, createdAt: new Date(n * 1_000).toISOString() }) as FlowSummary;
const page = (nextCursor: string | null, ...numbers: number[]) => ({ data: numbers.map((n) => flow(n)), nextCursor });
const known = (cursor: string | null, ...numbers: number[]): LoadedFlows => ({
  flows: numbers.map((n) => flow(n)),
  cursor,
});
const shown = ({ flows }: LoadedFlows) => flows.map(({ id }) => Number(id.slice("flow_".length)));

test("new flows are added at the top, and the older flows and their cursor stay", () => {
  const next = mergeNewest(known("c4", 7, 6, 5, 4), page("c6", 9, 8, 7, 6));
  expect(shown(next)).toEqual([9, 8, 7, 6, 5, 4]);
  expect(next.cursor).toBe("c4");
});

test("a flow that no longer matches the filter is removed from the flows that a page covers", () => {
  expect(shown(mergeNewest(known("c4", 7, 6, 5, 4), page("c5", 7, 5)))).toEqual([7, 5, 4]);
});

test("a flow that is read again replaces its older state", () => {
  const { flows } = mergeNewest(
    { flows: [flow(2, "running"), flow(1)], cursor: null },
    { data: [flow(2)], nextCursor: "c" },
  );
  expect(flows.map(({ status }) => status)).toEqual(["completed", "completed"]);
});

test("the list restarts from the newest page, without a gap, if that page does not reach the loaded flows", () => {
  const next = mergeNewest(known("c1", 3, 2, 1), page("c8", 10, 9, 8));
  expect(shown(next)).toEqual([10, 9, 8]);
  expect(next.cursor).toBe("c8");
});

test("a newest page without a cursor replaces all loaded flows", () => {
  expect(mergeNewest(known("c1", 3, 2, 1), page(null, 3))).toEqual(known(null, 3));
});

test("an empty page with a cursor leaves the loaded flows unchanged", () => {
  expect(mergeNewest(known("c1", 3, 2), page("c0"))).toEqual(known("c1", 3, 2));
});

test("older flows are added at the bottom once, also when two requests return the same page", () => {
  const once = mergeOlder(known("c3", 4, 3), page("c1", 2, 1));
  expect(shown(once)).toEqual([4, 3, 2, 1]);
  expect(shown(mergeOlder(once, page("c1", 2, 1)))).toEqual([4, 3, 2, 1]);
  expect(mergeOlder(once, page(null)).cursor).toBeNull();
});

test("flows with the same creation time are ordered by id, as the API sorts them", () => {
  const at = { createdAt: new Date(0).toISOString() };
  const sameTime = [flow(2), flow(1)].map((each) => ({ ...each, ...at }));
  expect(shown(mergeOlder({ flows: [sameTime[0]!], cursor: "c" }, { data: [sameTime[1]!], nextCursor: null }))).toEqual(
    [2, 1],
  );
});

const counts = { planned: 0, running: 0, done: 3, failed: 0 };
const detailed = (n: number, more: Partial<FlowListEntry> = {}): FlowListEntry => ({
  ...flow(n),
  endedAt: new Date(n * 1_000).toISOString(),
  taskCounts: counts,
  costUsd: 0.06,
  estimatedUsd: 0.06,
  previewUrl: `https://cdn.example.com/${n}.png`,
  ...more,
});
const plain = ({ taskCounts: _, costUsd: __, estimatedUsd: ___, previewUrl: ____, ...summary }: FlowListEntry) => ({
  ...summary,
  taskCounts: null,
  costUsd: null,
  estimatedUsd: null,
  previewUrl: null,
});

test("an ended flow whose details are known is not read again", () => {
  const known = [detailed(2), detailed(1)];
  expect(staleDetails(known.map(plain), known)).toEqual({ running: [], ended: [] });
  expect(withDetails(known.map(plain), known)).toEqual(known);
});

test("a running flow, a new one, and one that has ended or ended again since are read again", () => {
  const running = { status: "running", endedAt: null } as const;
  const known = [detailed(3, running), detailed(2), detailed(1)];
  const now = [
    detailed(5, running),
    detailed(4),
    detailed(3),
    detailed(2, { endedAt: "2026-11-30T00:00:00.000Z" }),
    detailed(1),
  ].map(plain);
  const { running: runs, ended } = staleDetails(now, known);
  expect(runs.map(({ id }) => id)).toEqual([now[0]!.id]);
  expect(ended.map(({ id }) => id)).toEqual([now[1]!.id, now[2]!.id, now[3]!.id]);
});

test("new details replace older ones, and a flow without details keeps none", () => {
  const newer = detailed(2, { costUsd: 0.1 });
  const [second, first] = withDetails([plain(detailed(2)), plain(detailed(1))], [newer, detailed(2)]);
  expect(second!.costUsd).toBe(0.1);
  expect(first!.taskCounts).toBeNull();
});
