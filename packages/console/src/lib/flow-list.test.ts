import type { FlowStatus, FlowSummary } from "@mjflow/client";
import { expect, test } from "vitest";
import { type LoadedFlows, mergeNewest, mergeOlder } from "./flow-list.ts";

const flow = (n: number, status: FlowStatus = "completed") =>
  ({ id: `flow_${n}`, status, createdAt: new Date(n * 1_000).toISOString() }) as FlowSummary;
const page = (nextCursor: string | null, ...numbers: number[]) => ({ data: numbers.map((n) => flow(n)), nextCursor });
const known = (cursor: string | null, ...numbers: number[]): LoadedFlows => ({
  flows: numbers.map((n) => flow(n)),
  cursor,
});
const shown = ({ flows }: LoadedFlows) => flows.map(({ id }) => Number(id.slice("flow_".length)));

test("what is new comes above, what was read below stays, and goes on where it went on", () => {
  const next = mergeNewest(known("c4", 7, 6, 5, 4), page("c6", 9, 8, 7, 6));
  expect(shown(next)).toEqual([9, 8, 7, 6, 5, 4]);
  expect(next.cursor).toBe("c4");
});

test("a flow that fits the filter no longer is gone from between those that do", () => {
  expect(shown(mergeNewest(known("c4", 7, 6, 5, 4), page("c5", 7, 5)))).toEqual([7, 5, 4]);
});

test("a flow read again is shown as it is now", () => {
  const { flows } = mergeNewest(
    { flows: [flow(2, "running"), flow(1)], cursor: null },
    { data: [flow(2)], nextCursor: "c" },
  );
  expect(flows.map(({ status }) => status)).toEqual(["completed", "completed"]);
});

test("so much is new that nothing is known to lie between: the list begins anew, without a hole", () => {
  const next = mergeNewest(known("c1", 3, 2, 1), page("c8", 10, 9, 8));
  expect(shown(next)).toEqual([10, 9, 8]);
  expect(next.cursor).toBe("c8");
});

test("a page without a cursor is all there is", () => {
  expect(mergeNewest(known("c1", 3, 2, 1), page(null, 3))).toEqual(known(null, 3));
});

test("an empty page that goes on leaves what is known", () => {
  expect(mergeNewest(known("c1", 3, 2), page("c0"))).toEqual(known("c1", 3, 2));
});

test("older ones are put below, each once, also when two requests answered the same", () => {
  const once = mergeOlder(known("c3", 4, 3), page("c1", 2, 1));
  expect(shown(once)).toEqual([4, 3, 2, 1]);
  expect(shown(mergeOlder(once, page("c1", 2, 1)))).toEqual([4, 3, 2, 1]);
  expect(mergeOlder(once, page(null)).cursor).toBeNull();
});

test("flows of the same moment are told apart by their ids, as the API sorts them", () => {
  const at = { createdAt: new Date(0).toISOString() };
  const twins = [flow(2), flow(1)].map((one) => ({ ...one, ...at }));
  expect(shown(mergeOlder({ flows: [twins[0]!], cursor: "c" }, { data: [twins[1]!], nextCursor: null }))).toEqual([
    2, 1,
  ]);
});
