/** The list of pictures: every result once, newest first, in pages, of the own app only, and without a write. */
import { expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, type Json, OPERATOR } from "./api-client.ts";

/** Creates flows one second apart, each with a grid and two upscales, and ends them. */
async function withFlows(client: ApiClient, key: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const body = { ...FLOW, prompt: `boat ${i}`, state: `order ${i}`, then: [{ press: ["U1", "U2"] }] };
    ids.push((await client.call(key, "POST", "/v1/flows", body)).body.id);
    await client.harness.finishAll();
    client.harness.advance(1_000);
  }
  return ids;
}

async function all(client: ApiClient, key: string, query: string, from = ""): Promise<Json[]> {
  const found: Json[] = [];
  for (let cursor: string | null = from; cursor !== null; ) {
    const { status, body } = await client.call(key, "GET", `/v1/pictures?${query}${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    found.push(...body.data);
    cursor = body.nextCursor;
  }
  return found;
}

test.each([1, 2, 3, 4, 7, 100])("pages of %i have every result once, the newest flow first", async (limit) => {
  const client = createApiClient();
  const { key } = await client.join();
  const ids = await withFlows(client, key, 5);
  const found = await all(client, key, `limit=${limit}`);
  expect(found).toHaveLength(15);
  expect(new Set(found.map(({ taskId }) => taskId)).size).toBe(15);
  expect([...new Set(found.map(({ flowId }) => flowId))]).toEqual(ids.toReversed());
  for (const [i, picture] of found.entries()) {
    const next = found[i + 1];
    if (next?.flowId === picture.flowId) expect(picture.endedAt >= next.endedAt).toBe(true);
  }
  expect(found[0]).toMatchObject({ prompt: "boat 4", state: "order 4" });
});

test("a new result appears on the first page only, and no page repeats or leaves out another one", async () => {
  const client = createApiClient();
  const { key } = await client.join();
  await withFlows(client, key, 3);
  const first = (await client.call(key, "GET", "/v1/pictures?limit=4")).body;
  const [newest] = first.data;
  await client.call(key, "POST", `/v1/tasks/${newest.flowId.replace("flow_", "task_")}_0/actions`, { press: "U3" });
  await client.harness.finishAll();
  const rest = await all(client, key, "limit=4", first.nextCursor);
  const ids = [...first.data, ...rest].map(({ taskId }) => taskId);
  expect(new Set(ids).size).toBe(9);
  expect((await client.call(key, "GET", "/v1/pictures?limit=1")).body.data[0].press).toBe("U3");
});

test("flow, action and time select pictures", async () => {
  const client = createApiClient();
  const { key } = await client.join();
  const [first, second] = await withFlows(client, key, 2);
  expect((await all(client, key, `flow=${first}`)).map(({ flowId }) => flowId)).toEqual([first, first, first]);
  expect((await all(client, key, "action=upscale")).map(({ action }) => action)).toEqual(Array(4).fill("UPSCALE"));
  const { createdAt } = (await client.call(key, "GET", `/v1/flows/${second}`)).body;
  expect(await all(client, key, `since=${createdAt}`)).toHaveLength(3);
  expect(await all(client, key, `until=${createdAt}&action=IMAGINE`)).toHaveLength(2);
  expect(await all(client, key, "video=true")).toEqual([]);
  expect(await all(client, key, "video=false")).toHaveLength(6);
});

test("video=true selects results with a video", async () => {
  const client = createApiClient();
  const { key } = await client.join();
  await client.call(key, "POST", "/v1/flows", FLOW);
  await client.harness.drain();
  const [call] = client.harness.vendor.calls;
  const videos = [{ url: "https://cdn.test/a.mp4" }];
  await client.harness.post(call!, "SUCCESS", { result: { videos } });
  expect(await all(client, key, "video=true")).toMatchObject([{ videos }]);
});

test("failed tasks, running tasks and texts are no pictures", async () => {
  const client = createApiClient();
  const { key } = await client.join();
  await client.call(key, "POST", "/v1/flows", FLOW);
  await client.harness.drain();
  expect(await all(client, key, "")).toEqual([]);
  await client.harness.post(client.harness.vendor.calls[0]!, "FAILURE");
  expect(await all(client, key, "")).toEqual([]);
});

test("another app sees nothing, also with the flow's id, a cursor or the app's id", async () => {
  const client = createApiClient();
  const [owner, stranger] = [await client.join("owner"), await client.join("stranger")];
  const [id] = await withFlows(client, owner.key, 2);
  const { nextCursor } = (await client.call(owner.key, "GET", "/v1/pictures?limit=1")).body;
  const ask = (query: string) => client.call(stranger.key, "GET", `/v1/pictures?${query}`);
  expect((await ask("")).body.data).toEqual([]);
  expect((await ask(`flow=${id}`)).status).toBe(404);
  expect((await ask(`app=${owner.id}`)).status).toBe(404);
  expect((await ask(`cursor=${nextCursor}`)).body).toMatchObject({ code: "invalid_request", field: "cursor" });
  for (const time of ["1e308", "8640000000000001", '"1"']) {
    const forged = Buffer.from(`["p","${stranger.id}",${time},"${id}"]`).toString("base64url");
    expect((await ask(`cursor=${forged}`)).body, time).toMatchObject({ code: "invalid_request", field: "cursor" });
  }
  expect((await ask("cursor=nonsense")).body).toMatchObject({ code: "invalid_request", field: "cursor" });
  expect((await client.call(OPERATOR, "GET", `/v1/pictures?app=${owner.id}`)).body.data).toHaveLength(6);
});

test("more than 100 flows without a match give an empty page with a cursor", async () => {
  const client = createApiClient();
  const { key } = await client.join();
  for (let i = 0; i < 105; i++) {
    await client.call(key, "POST", "/v1/flows", FLOW);
    client.harness.advance(1);
  }
  const { data, nextCursor } = (await client.call(key, "GET", "/v1/pictures?video=true")).body;
  expect(data).toEqual([]);
  expect(nextCursor).not.toBeNull();
  expect(await all(client, key, "video=true")).toEqual([]);
});

test("a list writes nothing", async () => {
  const client = createApiClient();
  const { key } = await client.join();
  await withFlows(client, key, 2);
  const before = JSON.stringify(client.harness.dump());
  await all(client, key, "limit=2");
  expect(JSON.stringify(client.harness.dump())).toBe(before);
});
