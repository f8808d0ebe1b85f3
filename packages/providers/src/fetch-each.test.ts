import { LookupError } from "@mjflow/core/port";
import { expect, test } from "vitest";
import { fetchEach } from "./fetch-each.ts";

const IDS = ["a", "b", "c", "d", "e", "f", "g"];

/** Answers every task, except those whose request fails and those that the vendor does not know. */
function vendor(failures: Record<string, unknown>, unknown: readonly string[] = []) {
  const asked: string[] = [];
  const fetchOne = async (id: string) => {
    asked.push(id);
    if (Object.hasOwn(failures, id)) throw failures[id];
    return unknown.includes(id) ? undefined : { vendorTaskId: id, status: "SUCCESS" as const, result: {} };
  };
  return { asked, fetchOne };
}

test("a request that fails says nothing about the other tasks", async () => {
  const { fetchOne } = vendor({ b: new LookupError("HTTP 500"), g: new LookupError("HTTP 502") }, ["c"]);
  const { reports, failed, requests } = await fetchEach(IDS, fetchOne);
  expect(reports.map(({ vendorTaskId }) => vendorTaskId)).toEqual(["a", "d", "e", "f"]);
  expect([failed, requests]).toEqual([["b", "g"], 7]);
});

test("when the first requests all fail, nothing more is asked", async () => {
  const error = new LookupError("HTTP 502");
  const { asked, fetchOne } = vendor(Object.fromEntries(IDS.map((id) => [id, error])));
  await expect(fetchEach(IDS, fetchOne)).rejects.toBe(error);
  expect(asked).toEqual(IDS.slice(0, 5));
});

test("a refused key and a fault of our own are thrown at once", async () => {
  for (const error of [new LookupError("HTTP 401", { unauthorized: true }), new TypeError("a bug")]) {
    await expect(fetchEach(IDS, vendor({ b: error }).fetchOne)).rejects.toBe(error);
  }
});
