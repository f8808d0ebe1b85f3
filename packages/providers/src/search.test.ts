/** Finding a submission whose answer was lost. The vendor is a function: what it is asked, and what it says. */
import { type AccountConfig, LookupError } from "@mjflow/core/port";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHttpClient, type HttpClient, type HttpOutcome } from "./http-client.ts";
import { parseTruncatedJson } from "./json.ts";
import { createProvider } from "./mjproxy.ts";
import { PROVIDER_IDS } from "./registry.ts";
import { DIALECTS } from "./vendors/index.ts";

const ACCOUNT: AccountConfig = { baseUrl: "https://vendor.test", apiKey: "vendor-key" };

interface Asked {
  method: string;
  path: string;
  body: Record<string, unknown> | undefined;
}

type Vendor = (asked: Asked) => HttpOutcome;

/** @returns what the vendor was asked, and the search itself */
function searching(id: string, vendor: Vendor) {
  const asked: Asked[] = [];
  const ask: HttpClient = async ({ method, url, body }) => {
    const one = { method, path: new URL(url).pathname, body: body as Asked["body"] };
    asked.push(one);
    return vendor(one);
  };
  const provider = createProvider(DIALECTS.get(id)!, { httpClient: ask });
  return { asked, find: (...states: string[]) => provider.search(states, ACCOUNT) };
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

/** `count` tasks in pages of `size`, the newest (the highest number) first, as plus serves them. */
function paged(count: number, size?: number): Vendor {
  return ({ path, body }) => {
    if (path !== "/mj/task/query") return absent();
    const { pageNumber, pageSize } = body as { pageNumber: number; pageSize: number };
    const many = Math.min(size ?? pageSize, pageSize);
    const newest = count - pageNumber * many;
    const content = Array.from({ length: Math.min(many, newest) }, (_, i) => task(newest - i));
    return json({ content, last: newest <= many, number: pageNumber, totalElements: count });
  };
}

describe("a dialect says whether it can be searched", () => {
  test("those whose servers list tasks with their state, and no other", () => {
    const able = PROVIDER_IDS.filter(
      (id) => createProvider(DIALECTS.get(id)!, { httpClient: createHttpClient() }).capabilities.searchByState,
    );
    expect(able.toSorted()).toEqual(["midjourney-proxy", "simulator", "trueai"]);
  });

  test.each(PROVIDER_IDS.filter((id) => DIALECTS.get(id)!.search.length === 0))("%s is not asked", async (id) => {
    const { asked, find } = searching(id, () => json([task(1)]));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 0 });
    expect(asked).toEqual([]);
  });
});

describe("trueai-org", () => {
  test("one request serves every submission that is looked for; what others sent is not told", async () => {
    const { asked, find } = searching("trueai", () => json([task(4), task(3), task(2, null), task(1)]));
    const found = await find("mark_1", "mark_4", "mark_7");
    expect(found.requests).toBe(1);
    expect(found.reports).toMatchObject([
      { state: "mark_4", vendorTaskId: "1765000000000004", status: "IN_PROGRESS", progress: 31 },
      { state: "mark_1", vendorTaskId: "1765000000000001" },
    ]);
    expect(asked).toEqual([{ method: "GET", path: "/mj/task/list", body: undefined }]);
  });

  test("of several tasks with one mark, the newest is told", async () => {
    const { find } = searching("trueai", () => json([task(9, "mark"), task(8, "mark")]));
    expect((await find("mark")).reports).toMatchObject([{ vendorTaskId: "1765000000000009" }]);
  });

  test("the first child of an 'Imagine all' stands for the submission; another mark that begins alike does not", async () => {
    const list = [task(9, "mark_1::2"), task(8, "mark_1::1"), task(7, "mark_11"), task(6, "mark_1 ")];
    const { find } = searching("trueai", () => json(list));
    const { reports } = await find("mark_1");
    expect(reports).toMatchObject([{ state: "mark_1", vendorTaskId: "1765000000000008" }]);
  });
});

describe("midjourney-proxy", () => {
  test("plus is asked by pages, newest first, and no further than what is looked for", async () => {
    const { asked, find } = searching("midjourney-proxy", paged(250));
    expect(marks(await find("mark_120", "mark_249"))).toEqual(["mark_249", "mark_120"]);
    expect(asked).toEqual([0, 1].map((pageNumber) => expect.objectContaining({ body: page(pageNumber) })));
  });

  test("a long past is not read to its end", async () => {
    const { asked, find } = searching("midjourney-proxy", paged(100_000));
    expect(await find("mark_1")).toEqual({ reports: [], requests: 3 });
    expect(asked.map(({ body }) => body)).toEqual([0, 1, 2].map(page));
  });

  test("pages that the server makes shorter than asked for are read on", async () => {
    const { find } = searching("midjourney-proxy", paged(50, 20));
    expect(marks(await find("mark_5"))).toEqual(["mark_5"]);
  });

  test("a page without a word on being the last ends the search when it is not full", async () => {
    const { asked, find } = searching("midjourney-proxy", () => json({ content: [task(1)] }));
    expect((await find("mark_2")).requests).toBe(1);
    expect(asked).toHaveLength(1);
  });

  test("novicezk, which has no pages, is asked for its list", async () => {
    const { asked, find } = searching("midjourney-proxy", ({ path }) =>
      path === "/mj/task/list" ? json([task(2), task(1)]) : absent(),
    );
    expect(await find("mark_1")).toMatchObject({ reports: [{ state: "mark_1" }], requests: 2 });
    expect(asked.map(({ path }) => path)).toEqual(["/mj/task/query", "/mj/task/list"]);
  });

  test.each([404, 405])(
    "a host that has neither (%i) answers that nothing is known, as one that is never asked",
    async (status) => {
      const { find } = searching("midjourney-proxy", () => json({}, status));
      expect(await find("mark_1")).toEqual({ reports: [], requests: 2 });
    },
  );
});

describe("a list too long to be read", () => {
  /** Thirty days of novicezk's Redis: what was sent minutes ago stands at its head. */
  const many = JSON.stringify(
    Array.from({ length: 9_000 }, (_, i) => ({ ...task(9_000 - i), prompt: `"]}[{ \\ ${"é".repeat(500)}` })),
  );

  test("is searched as far as it was read", async () => {
    const novicezk: Vendor = ({ path }) =>
      path === "/mj/task/list"
        ? { kind: "answered", status: 200, text: many.slice(0, many.length / 2), cut: true }
        : absent();
    const { find } = searching("midjourney-proxy", novicezk);
    expect(marks(await find("mark_9000", "mark_8000", "mark_1"))).toEqual(["mark_9000", "mark_8000"]);
  });

  test("wherever it is cut, its whole items are read, and nothing else", () => {
    const items = [{ state: 'a"]}', list: [1, { b: [] }] }, { state: "\\" }, { state: "[{", n: 12345678901234567n }];
    const text = `[${items.map((item) => JSON.stringify(item, (_, v) => (typeof v === "bigint" ? Number(v) : v))).join(",")}]`;
    const whole = JSON.parse(text) as { state: string }[];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length }), (length) => {
        const read = (parseTruncatedJson(text.slice(0, length)) ?? []) as { state: string }[];
        expect(read.map(({ state }) => state)).toEqual(whole.slice(0, read.length).map(({ state }) => state));
        if (length === text.length) expect(read).toHaveLength(whole.length);
      }),
    );
  });
});

describe("a vendor that cannot be asked is not one that does not know", () => {
  const failures: [string, Vendor, object][] = [
    ["a gateway's 502", () => text("<html>", 502), {}],
    ["too many requests", () => text("", 429), {}],
    ["a refused key", () => text("", 401), { unauthorized: true }],
    ["an empty 200", () => text(""), {}],
    ["a page for people", () => text("<!doctype html>"), {}],
    ["an error in a 200 (trueai-org)", () => json({ success: false, code: -1, message: "…" }), {}],
    ["a connection that breaks", () => ({ kind: "lost", reason: "ECONNRESET" }), {}],
  ];

  describe.each(["trueai", "midjourney-proxy", "simulator"])("%s", (id) => {
    test.each(failures)("%s", async (_, vendor, wanted) => {
      const { find } = searching(id, vendor);
      const failed = await find("mark_1").catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(LookupError);
      expect(failed).toMatchObject(wanted);
    });
  });

  test("nor is one that fails at a later page", async () => {
    const pages = paged(250);
    const { find } = searching("simulator", (asked) =>
      asked.body?.["pageNumber"] === 1 ? text("", 500) : pages(asked),
    );
    await expect(find("mark_1")).rejects.toThrow(LookupError);
  });
});

function page(pageNumber: number) {
  return { pageNumber, pageSize: 100, sort: "id,desc" };
}
