import type { Flow } from "@mjflow/core/flow";
import { expect, test } from "vitest";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { listedAt } from "./keys.ts";
import { type FlowPage, listFlows, listingBounds } from "./listing.ts";

const APP = "app_01K9ZC7T3R8M2V5X0Q4B6N1JHD";
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const idOf = (i: number) => `flow_01K9ZC7T3R8M2V5X0Q4B6N1${LETTERS[Math.floor(i / 32) % 32]}${LETTERS[i % 32]}A`;
const at = (i: number) => listedAt(i * 1_000, idOf(i));

/** A listing of `count` flows, and the reads of it. */
function listing(count: number, isThere = (_: number) => true) {
  const reads: [after: string | undefined, n: number][] = [];
  const all: FlowPage[] = Array.from({ length: count }, (_, i) => ({
    at: at(i),
    flow: isThere(i) ? ({ id: idOf(i) } as Flow) : undefined,
  }));
  const read = async (after: string | undefined, n: number) => {
    reads.push([after, n]);
    return all.filter((entry) => after === undefined || entry.at > after).slice(0, n);
  };
  return { reads, read };
}
const ids = (flows: readonly Flow[]) => flows.map(({ id }) => id);

test("a page has as many flows as asked for, and a cursor if there are more", async () => {
  const { reads, read } = listing(3);
  const first = await listFlows(APP, 2, undefined, {}, read);
  expect(ids(first.flows)).toEqual([idOf(0), idOf(1)]);
  expect(decodeCursor(APP, first.cursor!)).toBe(at(1));
  const second = await listFlows(APP, 2, first.cursor, {}, read);
  expect(second).toEqual({ flows: [{ id: idOf(2) }] });
  expect(reads).toEqual([
    [undefined, 3],
    [at(1), 3],
  ]);
});

test("the last full page has no cursor", async () => {
  expect(await listFlows(APP, 2, undefined, {}, listing(2).read)).toStrictEqual({
    flows: [{ id: idOf(0) }, { id: idOf(1) }],
  });
  expect(await listFlows(APP, 2, undefined, {}, listing(0).read)).toStrictEqual({ flows: [] });
});

test("flows that are deleted or expired are left out, and the page is filled from the next ones", async () => {
  const { reads, read } = listing(6, (i) => i % 2 === 1);
  const { flows, cursor } = await listFlows(APP, 2, undefined, {}, read);
  expect(ids(flows)).toEqual([idOf(1), idOf(3)]);
  expect(decodeCursor(APP, cursor!)).toBe(at(3));
  expect(reads.map(([after]) => after)).toEqual([undefined, at(1)]);
});

test("a filter reads 100 flows at once and does not read on after the last one", async () => {
  const { reads, read } = listing(100);
  expect(await listFlows(APP, 2, undefined, { matches: () => false }, read)).toStrictEqual({ flows: [] });
  expect(reads).toEqual([[undefined, 101]]);
});

test("a filter that finds little stops after 500 flows, and its cursor goes on there", async () => {
  const { reads, read } = listing(600);
  const { flows, cursor } = await listFlows(APP, 9, undefined, { matches: ({ id }) => id === idOf(7) }, read);
  expect(ids(flows)).toEqual([idOf(7)]);
  expect(decodeCursor(APP, cursor!)).toBe(at(499));
  expect(reads.map(([, n]) => n)).toEqual([101, 101, 101, 101, 101]);
});

test("a cursor of another app, a broken one and one without a flow are refused", () => {
  const other = encodeCursor("app_01K9ZC7T3R8M2V5X0Q4B6N1JHE", at(1));
  const odd = [[APP], [APP, 7], [APP, "x"], { 0: APP, 1: at(1) }].map((value) =>
    Buffer.from(JSON.stringify(value)).toString("base64url"),
  );
  for (const cursor of [other, "", "!", ...odd]) {
    expect(() => decodeCursor(APP, cursor), cursor).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        field: "cursor",
        message: "The cursor is not valid for this listing.",
      }),
    );
  }
});

test.each([
  ["everything", {}, undefined, {}],
  ["newest first, after a cursor", {}, "c", { to: "c" }],
  ["oldest first, after a cursor", { oldestFirst: true }, "c", { from: "c" }],
  ["from a time", { since: 0 }, undefined, { from: "1970-01-01T00:00:00.000Z" }],
  ["to a time", { until: 0 }, undefined, { to: "1970-01-01T00:00:00.000Z~" }],
  ["to a time, after an earlier cursor", { until: 0 }, "0", { to: "0" }],
  ["to a time, after a later cursor", { until: 0 }, "2", { to: "1970-01-01T00:00:00.000Z~" }],
  ["oldest first from a time, after a later cursor", { since: 0, oldestFirst: true }, "2", { from: "2" }],
  [
    "oldest first from a time, after an earlier cursor",
    { since: 0, oldestFirst: true },
    "0",
    { from: "1970-01-01T00:00:00.000Z" },
  ],
  ["newest first from a time, after a cursor", { since: 0 }, "2", { from: "1970-01-01T00:00:00.000Z", to: "2" }],
])("the bounds of a listing: %s", (_, filter, after, bounds) => {
  expect(listingBounds(filter, after)).toStrictEqual(bounds);
});
