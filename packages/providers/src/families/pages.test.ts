/** How far a search reads the lists of the families: page by page, up to a limit, until everything is found. */
import { type CallContext, LookupError } from "@mjflow/core/port";
import { describe, expect, test } from "vitest";
import type { HttpOutcome, VendorHttpRequest } from "../http-client.ts";
import { FORMS } from "./index.ts";

const account = { baseUrl: "https://vendor.example", apiKey: "key" };
const HOOK = "https://hooks.test/callbacks/1.a.b";
const STATE: CallContext["state"] = "01JZX9_0_1";
const ref = (state: string) => `${HOOK}?ref=${state}`;
const idOf = (n: number) => `7a000000-1111-4222-8333-${String(n).padStart(12, "0")}`;

interface Listing {
  /** Items of a whole page. */
  size: number;
  /** Number of the page that a request asks for, from 0; undefined: it asks for a task. */
  pageOf(request: VendorHttpRequest): number | undefined;
  item(n: number, state?: string): object;
  list(items: readonly object[]): unknown;
  task(id: string): object;
}

const LISTS: Readonly<Record<string, Listing>> = {
  ttapi: {
    size: 100,
    pageOf: ({ url }) => (url.includes("/fetch-list") ? Number(new URL(url).searchParams.get("page")) - 1 : undefined),
    item: (n, state) => ({ job_id: idOf(n), ...(state && { notify_id: state }) }),
    list: (data) => ({ status: "SUCCESS", data }),
    task: (jobId) => ({ status: "SUCCESS", jobId, data: { jobId } }),
  },
  acedatacloud: {
    size: 50,
    pageOf: ({ body }) => Number((body as { offset: number }).offset) / 50,
    item: (n, state) => ({
      id: idOf(n),
      created_at: 1_790_000_000 - n,
      request: { callback_url: state && ref(state) },
    }),
    list: (items) => ({ items }),
    task: () => ({}),
  },
};

/** Searches a vendor that has `count` tasks. The task `n` has the state of `marked[n]`. */
async function searched(family: string, count: number, marked: Readonly<Record<number, string>>, ...states: string[]) {
  const { size, pageOf, item, list, task } = LISTS[family]!;
  const pages: number[] = [];
  const httpClient = async (request: VendorHttpRequest): Promise<HttpOutcome> => {
    const page = pageOf(request);
    if (page !== undefined) pages.push(page);
    const numbers = Array.from({ length: count }, (_, n) => n).slice(page! * size, (page! + 1) * size);
    const body =
      page === undefined
        ? task(new URL(request.url).searchParams.get("jobId")!)
        : list(numbers.map((n) => item(n, marked[n])));
    return { kind: "answered", status: 200, text: JSON.stringify(body) };
  };
  const { connect } = await FORMS.get(family)!.load();
  const result = await connect({ httpClient }, new Set()).search(states, account);
  return { pages, ...result, found: result.reports.map(({ state, vendorTaskId }) => [state, vendorTaskId]) };
}

describe.each(Object.entries(LISTS))("a search at %s", (family, { size }) => {
  test.each([
    ["nothing", 0, [0]],
    ["a page that is not whole", size - 1, [0]],
    ["one whole page", size, [0, 1]],
    ["two pages and one task", 2 * size + 1, [0, 1, 2]],
    ["more than three pages", 4 * size, [0, 1, 2]],
  ])("of a list with %s reads the pages that it needs", async (_, count, pages) => {
    expect(await searched(family, count, {}, STATE)).toMatchObject({ pages, found: [] });
  });

  test("ends with the page on which everything is found", async () => {
    const marked = { 3: "other", [size]: STATE, [size + 1]: "second" };
    const { pages, found } = await searched(family, 4 * size, marked, STATE, "second");
    expect(pages).toEqual([0, 1]);
    expect(found).toEqual([
      [STATE, idOf(size)],
      ["second", idOf(size + 1)],
    ]);
  });

  test("finds the newest of several tasks with one state", async () => {
    const { found } = await searched(family, size, { 4: STATE, 5: STATE }, STATE, "never");
    expect(found).toEqual([[STATE, idOf(4)]]);
  });

  test("of nothing asks nothing", async () => {
    expect(await searched(family, size, {})).toMatchObject({ pages: [], reports: [], requests: 0 });
  });
});

test("the list of AceDataCloud proves an absence since its earliest task, if it shows our addresses", async () => {
  expect((await searched("acedatacloud", 120, { 2: "other" }, STATE)).completeSince).toBe(
    (1_790_000_000 - 119) * 1_000,
  );
  expect((await searched("acedatacloud", 500, { 2: "other" }, STATE)).completeSince).toBe(
    (1_790_000_000 - 149) * 1_000,
  );
  expect((await searched("acedatacloud", 120, {}, STATE)).completeSince).toBeUndefined();
  expect((await searched("ttapi", 120, { 2: "other" }, STATE)).completeSince).toBeUndefined();
});

/** A vendor whose list has `items`, and whose answer about each job is that of `job`. */
async function useapi(items: readonly unknown[], job: (id: string) => HttpOutcome) {
  const asked: string[] = [];
  const httpClient = async ({ url }: VendorHttpRequest): Promise<HttpOutcome> => {
    const id = decodeURIComponent(new URL(url).pathname.replace("/v3/midjourney/jobs", "").slice(1));
    asked.push(id);
    return id === "" ? { kind: "answered", status: 200, text: JSON.stringify(items) } : job(id);
  };
  const { connect } = await FORMS.get("useapi")!.load();
  const search = connect({ httpClient }, new Set()).search([STATE, "j7"], account);
  return { asked, result: await search.catch((error: unknown) => error) };
}
const job = (jobid: string): HttpOutcome => {
  const replyRef = jobid === "j2" ? STATE : jobid === "j4" ? "" : jobid;
  return { kind: "answered", status: 200, text: JSON.stringify({ jobid, status: "progress", replyRef }) };
};

test("a search at useapi looks at most 20 running jobs up, and returns those with our references", async () => {
  const items = ["", "a b", { jobid: "j0" }, ...Array.from({ length: 25 }, (_, n) => `j${n + 1}`), null];
  const { asked, result } = await useapi(items, job);
  expect(asked).toEqual(["", ...Array.from({ length: 20 }, (_, n) => `j${n}`)]);
  expect(result).toMatchObject({ requests: 21 });
  expect((result as { reports: { vendorTaskId: string }[] }).reports.map((each) => each.vendorTaskId)).toEqual([
    "j2",
    "j7",
  ]);
});

test("a search that misses one answer has failed, because its task would count as not found", async () => {
  const answer = (id: string): HttpOutcome => (id === "j3" ? { kind: "lost", reason: "timeout" } : job(id));
  expect((await useapi(["j2", "j3"], answer)).result).toEqual(new LookupError("a job of the list was not answered"));
  const ttapi = { size: 100, pageOf: LISTS["ttapi"]!.pageOf };
  const { connect } = await FORMS.get("ttapi")!.load();
  const httpClient = async (request: VendorHttpRequest): Promise<HttpOutcome> => {
    const list = { data: [1, 2].map((n) => LISTS["ttapi"]!.item(n, `state${n}`)) };
    if (ttapi.pageOf(request) !== undefined) return { kind: "answered", status: 200, text: JSON.stringify(list) };
    const isLost = request.url.includes(idOf(1));
    const task = LISTS["ttapi"]!.task(idOf(2));
    return isLost ? { kind: "lost", reason: "timeout" } : { kind: "answered", status: 200, text: JSON.stringify(task) };
  };
  const search = connect({ httpClient }, new Set()).search(["state1", "state2"], account);
  await expect(search).rejects.toEqual(new LookupError("a task of the list was not answered"));
});
