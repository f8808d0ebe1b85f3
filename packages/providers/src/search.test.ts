/** Search for a submission whose response was lost. The vendor is a function from request to outcome. */
import { type AccountConfig, LookupError } from "@mjflow/core/port";
import { describe, expect, test } from "vitest";
import { createHttpClient, type HttpClient, type HttpOutcome } from "./http-client.ts";
import { createProvider } from "./mjproxy.ts";
import { PROVIDER_IDS } from "./registry.ts";
import { DIALECTS } from "./vendors/index.ts";

const ACCOUNT: AccountConfig = { baseUrl: "https://vendor.test", apiKey: "vendor-key" };

interface VendorRequest {
  method: string;
  path: string;
  body: Record<string, unknown> | undefined;
}

type Vendor = (request: VendorRequest) => HttpOutcome;

/** @returns the requests to the vendor, and the search function */
function searching(id: string, vendor: Vendor) {
  const sent: VendorRequest[] = [];
  const httpClient: HttpClient = async ({ method, url, body }) => {
    const request = { method, path: new URL(url).pathname, body: body as VendorRequest["body"] };
    sent.push(request);
    return vendor(request);
  };
  const provider = createProvider(DIALECTS.get(id)!, { httpClient });
  return { sent, find: (...states: string[]) => provider.search(states, ACCOUNT) };
}

const task = (n: number, state: string | null = `mark_${n}`) => ({
  id: String(1_765_000_000_000_000 + n),
  status: "IN_PROGRESS",
  progress: "31%",
  state,
});
const text = (body: string, status = 200): HttpOutcome => ({ kind: "answered", status, text: body });
const json = (value: unknown, status = 200) => text(JSON.stringify(value), status);
const absent = () => json({ status: 404, error: "Not Found" }, 404);
const marks = ({ reports }: { reports: { state?: string }[] }) => reports.map(({ state }) => state);

/** Submission time of task `n`: one task a second. */
const timeOfTask = (n: number) => 1_765_000_000_000 + n * 1_000;

/** Serves `count` tasks like plus: in pages of `size`, the newest (highest number) first. It filters by `state` if told. */
function paged(count: number, { size, filters = true }: { size?: number; filters?: boolean } = {}): Vendor {
  return ({ path, body }) => {
    if (path !== "/mj/task/query") return absent();
    const { pageNumber, pageSize, state } = body as { pageNumber: number; pageSize: number; state?: string };
    if (state !== undefined && filters) {
      const n = Number(/^mark_(\d+)$/.exec(state)?.[1] ?? 0);
      return json({ content: n >= 1 && n <= count ? [timed(n)] : [], last: true, number: 0 });
    }
    const length = Math.min(size ?? pageSize, pageSize);
    const newest = count - pageNumber * length;
    const content = Array.from({ length: Math.max(0, Math.min(length, newest)) }, (_, i) => timed(newest - i));
    return json({ content, last: newest <= length, number: pageNumber, totalElements: count });
  };
}

const timed = (n: number) => ({ ...task(n), submitTime: timeOfTask(n) });

describe("capability searchByState", () => {
  test("only midjourney-proxy, simulator and trueai can be searched by state", () => {
    const searchable = PROVIDER_IDS.filter(
      (id) => createProvider(DIALECTS.get(id)!, { httpClient: createHttpClient() }).capabilities.searchByState,
    );
    expect(searchable.toSorted()).toEqual(["midjourney-proxy", "simulator", "trueai"]);
  });

  test.each(PROVIDER_IDS.filter((id) => DIALECTS.get(id)!.search.length === 0))(
    "%s gets no search request",
    async (id) => {
      const { sent, find } = searching(id, () => json([task(1)]));
      expect(await find("mark_1")).toEqual({ reports: [], requests: 0 });
      expect(sent).toEqual([]);
    },
  );
});

describe("trueai-org", () => {
  test("one request finds all searched submissions, and tasks of other users are not reported", async () => {
    const { sent, find } = searching("trueai", () => json([task(4), task(3), task(2, null), task(1)]));
    const found = await find("mark_1", "mark_4", "mark_7");
    expect(found.requests).toBe(1);
    expect(found.reports).toMatchObject([
      { state: "mark_4", vendorTaskId: "1765000000000004", status: "IN_PROGRESS", progress: 31 },
      { state: "mark_1", vendorTaskId: "1765000000000001" },
    ]);
    expect(sent).toEqual([{ method: "GET", path: "/mj/task/list", body: undefined }]);
  });

  test("the newest of several tasks with the same state is reported", async () => {
    const { find } = searching("trueai", () => json([task(9, "mark"), task(8, "mark")]));
    expect((await find("mark")).reports).toMatchObject([{ vendorTaskId: "1765000000000009" }]);
  });

  test("the first child of 'Imagine all' counts as the submission, and a state with the same prefix does not", async () => {
    const list = [task(9, "mark_1::2"), task(8, "mark_1::1"), task(7, "mark_11"), task(6, "mark_1 ")];
    const { find } = searching("trueai", () => json(list));
    const { reports } = await find("mark_1");
    expect(reports).toMatchObject([{ state: "mark_1", vendorTaskId: "1765000000000008" }]);
  });
});

describe("completeness of trueai-org's list", () => {
  test("a list of a hundred tasks is complete back to its earliest task, a shorter list is complete", async () => {
    const numbers = Array.from({ length: 100 }, (_, i) => 200 - i);
    const { find } = searching("trueai", () => json(numbers.map(timed)));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 1, completeSince: timeOfTask(101) });
    const { find: findInShort } = searching("trueai", () => json(numbers.slice(0, 99).map(timed)));
    expect(await findInShort("mark_1")).toEqual({ reports: [], requests: 1, completeSince: 0 });
  });

  test("a list that was cut is complete back to its earliest task", async () => {
    const cut: HttpOutcome = {
      kind: "answered",
      status: 200,
      text: JSON.stringify([timed(9), timed(8)]).slice(0, -9),
      cut: true,
    };
    const { find } = searching("trueai", () => cut);
    expect(await find("mark_1")).toMatchObject({ completeSince: timeOfTask(9) });
  });
});

describe("midjourney-proxy", () => {
  test("plus is asked for each state itself, so a task is found among any number of newer ones", async () => {
    const { sent, find } = searching("midjourney-proxy", paged(100_000));
    expect(await find("mark_1", "mark_99999", "mark_x")).toMatchObject({
      reports: [{ state: "mark_1" }, { state: "mark_99999" }],
      requests: 3,
      completeSince: 0,
    });
    expect(sent.map(({ body }) => body)).toEqual(
      ["mark_1", "mark_99999", "mark_x"].map((state) => ({ ...page(0), state })),
    );
  });

  test("a server that ignores the filter is searched page by page, until all states are found", async () => {
    const { sent, find } = searching("midjourney-proxy", paged(250, { filters: false }));
    const found = await find("mark_120", "mark_249");
    expect(marks(found)).toEqual(["mark_249", "mark_120"]);
    expect(sent.map(({ body }) => body)).toEqual([{ ...page(0), state: "mark_120" }, page(0), page(1)]);
  });

  test("a search of a server that ignores the filter reads at most three pages and says how far they reach back", async () => {
    const { sent, find } = searching("midjourney-proxy", paged(100_000, { filters: false }));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 4, completeSince: timeOfTask(100_000 - 299) });
    expect(sent.slice(1).map(({ body }) => body)).toEqual([0, 1, 2].map(page));
  });

  test("the search continues if the server returns shorter pages than requested", async () => {
    const { find } = searching("midjourney-proxy", paged(50, { size: 20, filters: false }));
    expect(marks(await find("mark_5"))).toEqual(["mark_5"]);
  });

  test("the last page of a server that ignores the filter makes the answer complete", async () => {
    const { find } = searching("midjourney-proxy", paged(50, { size: 20, filters: false }));
    expect(await find("mark_77")).toEqual({ reports: [], requests: 4, completeSince: 0 });
  });

  test("a short page without the field last ends the search and proves nothing before its earliest task", async () => {
    const { find } = searching("midjourney-proxy", () => json({ content: [timed(9), timed(8)] }));
    expect(await find("mark_2")).toEqual({ reports: [], requests: 2, completeSince: timeOfTask(8) });
  });

  test("a whole page without the field last is not the last one", async () => {
    const pages: Vendor = (request) => {
      const outcome = paged(150, { filters: false })(request);
      if (outcome.kind !== "answered") return outcome;
      const { last: _, ...page } = JSON.parse(outcome.text) as { last?: boolean };
      return json(page);
    };
    const { sent, find } = searching("midjourney-proxy", pages);
    expect(marks(await find("mark_1", "never"))).toEqual(["mark_1"]);
    expect(sent.map(({ body }) => [body!["state"], body!["pageNumber"]])).toEqual([
      ["mark_1", 0],
      [undefined, 0],
      [undefined, 1],
    ]);
  });

  test("a route that is missing from the second page on ends the search, and the whole list is not requested", async () => {
    const pages = paged(500, { filters: false });
    const { sent, find } = searching("midjourney-proxy", (request) =>
      request.body?.["pageNumber"] === 1 ? absent() : pages(request),
    );
    const found = await find("mark_500", "mark_1");
    expect([marks(found), found.requests]).toEqual([["mark_500"], 3]);
    expect(sent.map(({ path }) => path)).toEqual(Array(3).fill("/mj/task/query"));
  });

  test("a list whose tasks have no times proves nothing about a task that it does not show", async () => {
    const { find } = searching("midjourney-proxy", () => json({ content: [task(9)] }));
    expect(await find("mark_2")).toEqual({ reports: [], requests: 2 });
  });

  test("novicezk has no pages, so its list is requested", async () => {
    const { sent, find } = searching("midjourney-proxy", ({ path }) =>
      path === "/mj/task/list" ? json([task(2), task(1)]) : absent(),
    );
    expect(await find("mark_1")).toMatchObject({ reports: [{ state: "mark_1" }], requests: 2 });
    expect(sent.map(({ path }) => path)).toEqual(["/mj/task/query", "/mj/task/list"]);
  });

  test.each([404, 405])("a server without both lists (%i) gives an empty result", async (status) => {
    const { find } = searching("midjourney-proxy", () => json({}, status));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 2 });
  });

  test("the list of novicezk says how far it reaches back, and an empty list proves nothing", async () => {
    const listed =
      (items: unknown[]): Vendor =>
      ({ path }) =>
        path === "/mj/task/list" ? json(items) : absent();
    const { find } = searching("midjourney-proxy", listed([timed(9), timed(7), timed(8)]));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 2, completeSince: timeOfTask(7) });
    const { find: findNone } = searching("midjourney-proxy", listed([]));
    expect(await findNone("mark_1")).toEqual({ reports: [], requests: 2 });
  });

  test("a server of plus that shows no task at all proves nothing, and one with other tasks proves the absence", async () => {
    const { sent, find } = searching("midjourney-proxy", paged(0));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 2 });
    expect(sent.map(({ body }) => body?.["state"])).toEqual(["mark_1", undefined]);
    const { find: findAbsent } = searching("midjourney-proxy", paged(5));
    expect(await findAbsent("mark_9")).toEqual({ reports: [], requests: 2, completeSince: 0 });
  });
});

test("an empty list of trueai-org proves nothing", async () => {
  const { find } = searching("trueai", () => json([]));
  expect(await find("mark_1")).toEqual({ reports: [], requests: 1 });
});

describe("lists above the size limit", () => {
  /** A list of thirty days of novicezk. Recent submissions are at its start. */
  const many = JSON.stringify(
    Array.from({ length: 9_000 }, (_, i) => ({ ...task(9_000 - i), prompt: `"]}[{ \\ ${"é".repeat(500)}` })),
  );

  test("a cut list is searched up to the cut", async () => {
    const novicezk: Vendor = ({ path }) =>
      path === "/mj/task/list"
        ? { kind: "answered", status: 200, text: many.slice(0, many.length / 2), cut: true }
        : absent();
    const { find } = searching("midjourney-proxy", novicezk);
    expect(marks(await find("mark_9000", "mark_8000", "mark_1"))).toEqual(["mark_9000", "mark_8000"]);
  });

  test.each<[string, (items: unknown[]) => unknown]>([
    ["a list", (items) => items],
    ["a list in an envelope", (items) => ({ code: 1, result: items })],
  ])("for every cut position of %s, only complete items are reported", async (_, wrap) => {
    const items = [3, 2, 1].map((n) => ({ ...task(n), prompt: '"]}[{ \\', buttons: [1, { b: [] }] }));
    const text = JSON.stringify(wrap(items));
    const find = (length: number) =>
      searching("midjourney-proxy", ({ path }) =>
        path === "/mj/task/list"
          ? { kind: "answered", status: 200, text: text.slice(0, length), ...(length < text.length && { cut: true }) }
          : absent(),
      ).find(...items.map(({ state }) => String(state)));
    const { reports: whole } = await find(text.length);
    expect(whole).toHaveLength(3);
    let found = 0;
    for (let length = 1; length < text.length; length++) {
      const { reports } = await find(length).catch((error: unknown) => {
        expect(error).toBeInstanceOf(LookupError);
        return { reports: [] };
      });
      expect(reports).toEqual(whole.slice(0, reports.length));
      expect(reports.length).toBeGreaterThanOrEqual(found);
      found = reports.length;
    }
    expect(found).toBe(2);
  });
});

describe("failed searches", () => {
  const failures: [string, Vendor, object][] = [
    ["a gateway's 502", () => text("<html>", 502), {}],
    ["too many requests", () => text("", 429), {}],
    ["a rejected key", () => text("", 401), { unauthorized: true }],
    ["an empty 200", () => text(""), {}],
    ["an HTML page", () => text("<!doctype html>"), {}],
    ["an error in a 200 (trueai-org)", () => json({ success: false, code: -1, message: "…" }), {}],
    ["a connection that breaks", () => ({ kind: "lost", reason: "ECONNRESET" }), {}],
  ];

  describe.each(["trueai", "midjourney-proxy", "simulator"])("%s", (id) => {
    test.each(failures)("a search throws LookupError for %s", async (_, vendor, wanted) => {
      const { find } = searching(id, vendor);
      const failed = await find("mark_1").catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(LookupError);
      expect(failed).toMatchObject(wanted);
    });
  });

  test("a search throws LookupError if a later page fails", async () => {
    const pages = paged(250, { filters: false });
    const { find } = searching("simulator", (sent) => (sent.body?.["pageNumber"] === 1 ? text("", 500) : pages(sent)));
    await expect(find("mark_1")).rejects.toThrow(LookupError);
  });
});

function page(pageNumber: number) {
  return { pageNumber, pageSize: 100, sort: "id,desc" };
}
