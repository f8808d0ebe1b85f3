/** D16: favorites and folders are marks of single pictures, in lists of a fixed cost per page, of the own app only. */
import { FAVORITE } from "@mjflow/core/mark";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json, OPERATOR } from "./api-client.ts";

let api: ApiClient;
let key: string;
let appId: string;
beforeEach(async () => {
  api = createApiClient();
  ({ key, id: appId } = await api.join());
});
const call = (method: string, path: string, body?: unknown) => api.call(key, method, path, body);

/** Ends every task, each at another time. */
async function finishOneByOne(): Promise<void> {
  const { vendor, drain, post, advance } = api.harness;
  for (await drain(); ; await drain()) {
    const call = vendor.calls.find(({ id }) => !vendor.finished.has(id));
    if (!call) return;
    vendor.finished.add(call.id);
    advance(10);
    await post(call, "SUCCESS");
  }
}

/** Creates flows one second apart, each with a grid and two upscales, and returns the ids of their roots. */
async function roots(count: number, as = key): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const body = { ...FLOW, prompt: `boat ${i}`, then: [{ press: ["U1", "U2"] }] };
    ids.push((await api.call(as, "POST", "/v1/flows", body)).body.id.replace("flow_", "task_"));
    await finishOneByOne();
    api.harness.advance(1_000);
  }
  return ids.map((id) => `${id}_0`);
}

async function all(query: string, limit = 100): Promise<Json[]> {
  const found: Json[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const { status, body } = await call("GET", `/v1/pictures?${query}&limit=${limit}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    found.push(...body.data);
    cursor = body.nextCursor;
  }
  return found;
}

const folder = async (name: string): Promise<string> => (await call("POST", "/v1/folders", { name })).body.id;
const taskIds = (found: Json[]) => found.map(({ taskId }) => taskId);
const markRows = () => api.harness.dump().items.filter((item: Json) => item.pk.S.startsWith("marks#"));

describe("a favorite", () => {
  test("is one picture of a result, and the list of pictures shows it", async () => {
    const [root] = await roots(1);
    expect((await call("PUT", `/v1/pictures/${root}.3/favorite`)).status).toBe(204);
    const [grid, ...others] = (await all("")).toReversed();
    expect(grid).toMatchObject({
      taskId: root,
      favorite: true,
      folders: [],
      marks: [{ number: 3, favorite: true, folders: [] }],
    });
    for (const other of others) expect(other).toMatchObject({ favorite: false, folders: [], marks: [] });
    expect((await call("DELETE", `/v1/pictures/${root}.3/favorite`)).status).toBe(204);
    expect(await all("favorite=true")).toEqual([]);
    expect((await all("")).some(({ favorite }) => favorite)).toBe(false);
  });

  test("of a task id alone is the first picture of the result", async () => {
    const [root] = await roots(1);
    await call("PUT", `/v1/pictures/${root}/favorite`);
    expect(await all("favorite=true")).toMatchObject([{ marks: [{ number: 1 }] }]);
  });

  test("is written once: a repeated request changes no row, and neither does a repeated removal", async () => {
    const [root] = await roots(1);
    for (let i = 0; i < 2; i++) expect((await call("PUT", `/v1/pictures/${root}.2/favorite`)).status).toBe(204);
    expect(markRows()).toHaveLength(1);
    expect(markRows()[0]).toMatchObject({ rev: { N: "1" } });
    for (let i = 0; i < 2; i++) expect((await call("DELETE", `/v1/pictures/${root}.2/favorite`)).status).toBe(204);
    expect(markRows()).toEqual([]);
  });

  test.each(["task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0.1", "nonsense", "flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD"])(
    "%s does not exist, so it gets 404 and no row",
    async (id) => {
      for (const method of ["PUT", "DELETE"]) {
        expect((await call(method, `/v1/pictures/${id}/favorite`)).body).toMatchObject({ code: "not_found" });
      }
      expect(markRows()).toEqual([]);
    },
  );

  test("needs a finished picture: a number that the result cannot have, a running task and a text get 404", async () => {
    const [root] = await roots(1);
    const running = (await call("POST", "/v1/flows", FLOW)).body.id.replace("flow_", "task_");
    for (const id of [`${root}.5`, `${root}.0`, `${running}_0.1`, `${root}-7.1`]) {
      expect((await call("PUT", `/v1/pictures/${id}/favorite`)).status, id).toBe(404);
    }
    expect(markRows()).toEqual([]);
  });
});

describe("GET /v1/pictures?favorite=true", () => {
  test.each([1, 2, 3, 100])(
    "pages of %i have every result once, the newest flow and its newest result first",
    async (limit) => {
      const ids = await roots(4);
      const pictures = ids.flatMap((root) => [`${root}.1`, `${root}.4`, `${root}-0.1`]);
      await call("PATCH", "/v1/pictures", { pictures: pictures.toReversed(), favorite: true });
      const everything = await all("");
      const wanted = taskIds(everything).filter((id) => !id.endsWith("-1"));
      const found = await all("favorite=true", limit);
      expect(taskIds(found)).toEqual(wanted);
      expect(found).toEqual(everything.filter(({ favorite }) => favorite));
      for (const { marks, taskId } of found) expect(marks).toHaveLength(ids.includes(taskId) ? 2 : 1);
    },
  );

  test("flow, action and time select among the favorites", async () => {
    const [first, second] = (await roots(2)) as [string, string];
    await call("PATCH", "/v1/pictures", { pictures: [first, `${first}-0`, second, `${second}-1`], favorite: true });
    const flow = second.replace("task_", "flow_").replace(/_0$/, "");
    expect(taskIds(await all(`favorite=true&flow=${flow}`))).toEqual([`${second}-1`, second]);
    expect(taskIds(await all("favorite=true&action=upscale"))).toEqual([`${second}-1`, `${first}-0`]);
    const { createdAt } = (await call("GET", `/v1/flows/${flow}`)).body;
    expect(taskIds(await all(`favorite=true&since=${createdAt}`))).toEqual([`${second}-1`, second]);
    expect(await all(`favorite=true&until=${createdAt}`, 1)).toHaveLength(4);
    expect(await all("favorite=true&video=true")).toEqual([]);
  });

  test("a page reads the same rows whether the app has 3 or 30 flows without a favorite", async () => {
    const read: number[] = [];
    for (const count of [3, 27]) {
      const [root] = await roots(count);
      await call("PUT", `/v1/pictures/${root}/favorite`);
      const calls: string[] = [];
      const { store, markStore } = api.harness.deps;
      const watched = <T extends object>(port: T): T =>
        new Proxy(port, {
          get: (target, name) => {
            calls.push(String(name));
            return Reflect.get(target, name);
          },
        });
      const { listPicturesWithMarks } = await import("@mjflow/engine/marked-pictures");
      const deps = { store: watched(store), markStore: watched(markStore) };
      const { pictures } = await listPicturesWithMarks(deps, appId, { favorite: true, limit: 1 });
      expect(pictures).toHaveLength(1);
      read.push(calls.filter((name) => name !== "folders").length);
    }
    // The second page has a further favorite, whose flow is read to know that there is another page.
    expect(read).toEqual([3, 5]);
  });

  test("a cursor of another list, another app or another folder is not valid here", async () => {
    const ids = await roots(3);
    const [a, b] = [await folder("a"), await folder("b")];
    await call("PATCH", "/v1/pictures", { pictures: ids, favorite: true, addToFolder: a });
    const { nextCursor } = (await call("GET", "/v1/pictures?favorite=true&limit=1")).body;
    const plain = (await call("GET", "/v1/pictures?limit=1")).body.nextCursor;
    const stranger = await api.join("stranger");
    const wrong: [string, string][] = [
      [key, `folder=${a}&cursor=${nextCursor}`],
      [key, `folder=${b}&cursor=${nextCursor}`],
      [key, `cursor=${nextCursor}`],
      [key, `favorite=true&cursor=${plain}`],
      [key, "favorite=true&cursor=nonsense"],
      [stranger.key, `favorite=true&cursor=${nextCursor}`],
    ];
    for (const forged of [`["m","${appId}","favorite",1e308,"f",1,"0"]`, `["m","${appId}","favorite",1,"f","1","0"]`])
      wrong.push([key, `favorite=true&cursor=${Buffer.from(forged).toString("base64url")}`]);
    for (const [as, query] of wrong) {
      const { body } = await api.call(as, "GET", `/v1/pictures?${query}`);
      expect(body, query).toMatchObject({ code: "invalid_request", field: "cursor" });
    }
  });
});

describe("a folder", () => {
  test("is created once for a name, renamed, listed by its age and deleted", async () => {
    const created = await call("POST", "/v1/folders", { name: "  Posters 🛶 " });
    const { id } = created.body;
    expect([created.status, created.headers.get("location")]).toEqual([201, `/v1/folders/${id}`]);
    expect(created.body).toMatchObject({ name: "Posters 🛶", urls: { pictures: expect.stringContaining(id) } });
    expect(await call("POST", "/v1/folders", { name: "Posters 🛶" })).toMatchObject({ status: 200, body: { id } });
    api.harness.advance(5_000);
    const other = await folder("Cards");
    const renamed = await call("PATCH", `/v1/folders/${id}`, { name: "Zines" });
    expect(renamed.body).toMatchObject({ id, name: "Zines", createdAt: created.body.createdAt });
    expect(renamed.body.updatedAt > created.body.updatedAt).toBe(true);
    expect((await call("PATCH", `/v1/folders/${id}`, { name: "Cards" })).body).toMatchObject({
      code: "already_exists",
    });
    expect((await call("GET", "/v1/folders")).body.data.map(({ name }: Json) => name)).toEqual(["Zines", "Cards"]);
    expect((await call("DELETE", `/v1/folders/${other}`)).status).toBe(204);
    expect((await call("DELETE", `/v1/folders/${other}`)).status).toBe(404);
    expect((await call("PATCH", `/v1/folders/${other}`, { name: "x" })).status).toBe(404);
  });

  test.each([[""], ["   "], ["x".repeat(61)], [7], [undefined]])(
    "the name %j gets 400, and nothing is stored",
    async (name) => {
      expect((await call("POST", "/v1/folders", { name })).body).toMatchObject({ status: 400, field: "name" });
      expect((await call("GET", "/v1/folders")).body.data).toEqual([]);
    },
  );

  test("an app has at most 100", async () => {
    for (let i = 0; i < 100; i++) await folder(`f${i}`);
    expect((await call("POST", "/v1/folders", { name: "one more" })).body).toMatchObject({ code: "limit_reached" });
    expect((await call("POST", "/v1/folders", { name: "f7" })).status).toBe(200);
  });

  test("lists its pictures, and one picture can be in several folders", async () => {
    const [first, second] = await roots(2);
    const [a, b] = [await folder("a"), await folder("b")];
    await call("PATCH", "/v1/pictures", { pictures: [`${first}.2`, second!], addToFolder: a });
    await call("PATCH", "/v1/pictures", { pictures: [`${first}.2`], addToFolder: b, favorite: true });
    expect(taskIds(await all(`folder=${a}`))).toEqual([second, first]);
    expect(await all(`folder=${b}`)).toMatchObject([
      { taskId: first, folders: [a, b], marks: [{ number: 2, favorite: true, folders: [a, b] }] },
    ]);
    expect(taskIds(await all(`folder=${a}&favorite=true`))).toEqual([first]);
    await call("PATCH", "/v1/pictures", { pictures: [`${first}.2`], removeFromFolder: a });
    expect(taskIds(await all(`folder=${a}`))).toEqual([second]);
    expect(await all(`folder=${b}`)).toMatchObject([{ folders: [b] }]);
  });

  test("with favorites of other pictures of the same result has no favorite", async () => {
    const [root] = await roots(1);
    const a = await folder("a");
    await call("PATCH", "/v1/pictures", { pictures: [`${root}.1`], favorite: true });
    await call("PATCH", "/v1/pictures", { pictures: [`${root}.2`], addToFolder: a });
    expect(await all(`folder=${a}&favorite=true`)).toEqual([]);
  });

  test("that is deleted leaves its pictures as they are, and is shown at none of them", async () => {
    const [root] = await roots(1);
    const a = await folder("a");
    await call("PATCH", "/v1/pictures", { pictures: [root], addToFolder: a, favorite: true });
    await call("DELETE", `/v1/folders/${a}`);
    expect((await call("GET", `/v1/pictures?folder=${a}`)).status).toBe(404);
    expect((await all("favorite=true"))[0]).toMatchObject({ taskId: root, favorite: true, folders: [] });
    expect(markRows()).toHaveLength(1);
  });

  test("whose deletion stops halfway is gone, and the marks that stay are not shown", async () => {
    const [root] = await roots(1);
    const a = await folder("a");
    await call("PATCH", "/v1/pictures", { pictures: [root], addToFolder: a });
    const { markStore } = api.harness.deps;
    await markStore.deleteFolder((await markStore.folder(appId, a))!);
    expect((await all("")).every(({ folders, marks }) => folders.length === 0 && marks.length === 0)).toBe(true);
    expect(markRows()).toHaveLength(1);
  });

  test("a picture is in at most 10, and a request that would exceed it changes nothing", async () => {
    const [first, second] = await roots(2);
    const ids = await Promise.all(Array.from({ length: 11 }, (_, i) => folder(`f${i}`)));
    for (const id of ids.slice(0, 10)) await call("PATCH", "/v1/pictures", { pictures: [first], addToFolder: id });
    const over = { pictures: [second, first], addToFolder: ids[10], favorite: true };
    expect((await call("PATCH", "/v1/pictures", over)).body).toMatchObject({ code: "limit_reached" });
    expect(markRows()).toHaveLength(10);
    expect((await call("PATCH", "/v1/pictures", { pictures: [first], addToFolder: ids[3] })).status).toBe(200);
    await call("DELETE", `/v1/folders/${ids[0]}`);
    expect((await call("PATCH", "/v1/pictures", { pictures: [first], addToFolder: ids[10] })).status).toBe(200);
  });
});

describe("PATCH /v1/pictures", () => {
  test("says which ids are no pictures of the app, and changes the others", async () => {
    const [root] = await roots(1);
    const stranger = await api.join("stranger");
    const [foreign] = await roots(1, stranger.key);
    const ids = [`${root}.1`, foreign!, "nonsense", `${root}.9`, `${root}-0`];
    const { status, body } = await call("PATCH", "/v1/pictures", { pictures: ids, favorite: true });
    expect([status, body]).toEqual([
      200,
      { marked: [`${root}.1`, `${root}-0`], missing: [foreign, "nonsense", `${root}.9`] },
    ]);
    expect((await api.call(stranger.key, "GET", "/v1/pictures?favorite=true")).body.data).toEqual([]);
  });

  test.each([
    [{ pictures: ["x"] }, "favorite"],
    [{ pictures: [], favorite: true }, "pictures"],
    [{ pictures: Array(101).fill("x"), favorite: true }, "pictures"],
    [{ pictures: ["x"], favorite: "yes" }, "favorite"],
    [{ pictures: ["x"], favorite: true, folder: "a" }, "folder"],
  ])("%j gets 400 with the field %s", async (body, field) => {
    expect((await call("PATCH", "/v1/pictures", body)).body).toMatchObject({ status: 400, field });
  });

  test("a folder of another app does not exist", async () => {
    const [root] = await roots(1);
    const stranger = await api.join("stranger");
    const { id } = (await api.call(stranger.key, "POST", "/v1/folders", { name: "mine" })).body;
    for (const change of [{ addToFolder: id }, { removeFromFolder: id }, { addToFolder: FAVORITE }]) {
      expect((await call("PATCH", "/v1/pictures", { pictures: [root], ...change })).status).toBe(404);
    }
    expect((await call("GET", `/v1/pictures?folder=${id}`)).status).toBe(404);
    expect(markRows()).toEqual([]);
  });
});

describe("marks end with their flow", () => {
  test("a deleted flow takes its marks with it", async () => {
    const [first, second] = await roots(2);
    const a = await folder("a");
    await call("PATCH", "/v1/pictures", { pictures: [first!, second!], favorite: true, addToFolder: a });
    api.harness.advance(10 * 60_000);
    await api.harness.sweep();
    await api.harness.drain();
    const flow = first!.replace("task_", "flow_").replace(/_0$/, "");
    expect((await call("DELETE", `/v1/flows/${flow}`)).status).toBe(204);
    expect(JSON.stringify(markRows())).not.toContain(flow);
    for (const query of ["favorite=true", `folder=${a}`]) expect(taskIds(await all(query))).toEqual([second]);
  });

  test("a mark that was written during the deletion is shown nowhere", async () => {
    const [root] = await roots(1);
    await call("PUT", `/v1/pictures/${root}/favorite`);
    api.harness.advance(10 * 60_000);
    await api.harness.sweep();
    await api.harness.drain();
    const flowId = root!.replace("task_", "flow_").replace(/_0$/, "");
    const [late] = await api.harness.deps.markStore.marksOfFlows(appId, flowId, flowId);
    await call("DELETE", `/v1/flows/${flowId}`);
    await api.harness.deps.markStore.addMark({ ...late!, rev: 0 });
    expect(await all("favorite=true")).toEqual([]);
  });

  test("a row expires with its flow", async () => {
    const [root] = await roots(1);
    await call("PUT", `/v1/pictures/${root}/favorite`);
    const flowId = root!.replace("task_", "flow_").replace(/_0$/, "");
    const { flow } = await api.harness.deps.store.loadFlow(flowId);
    expect(markRows()[0]).toMatchObject({ expiresAt: { N: String(Math.ceil(flow!.createdAt / 1_000) + 35 * 86_400) } });
    api.harness.advance(35 * 86_400_000);
    expect(await all("favorite=true")).toEqual([]);
  });
});

test("the operator reads the marks of an app and has its own", async () => {
  const [root] = await roots(1);
  await call("PUT", `/v1/pictures/${root}/favorite`);
  expect((await api.call(OPERATOR, "GET", `/v1/pictures?favorite=true&app=${appId}`)).body.data).toHaveLength(1);
  expect((await api.call(OPERATOR, "GET", "/v1/pictures?favorite=true")).body.data).toEqual([]);
  expect((await api.call(OPERATOR, "PUT", `/v1/pictures/${root}/favorite`)).status).toBe(404);
});

test("a share link changes no mark", async () => {
  const [root] = await roots(1);
  const flow = root!.replace("task_", "flow_").replace(/_0$/, "");
  const { token } = (await call("POST", `/v1/flows/${flow}/shares`, {})).body;
  const requests: [string, string, object?][] = [
    ["PUT", `/v1/pictures/${root}/favorite`],
    ["PATCH", "/v1/pictures", { pictures: [root], favorite: true }],
    ["POST", "/v1/folders", { name: "x" }],
  ];
  for (const [method, path, body] of requests) expect((await api.call(token, method, path, body)).status).toBe(401);
  expect(markRows()).toEqual([]);
});
