/** Requests of the compat API that must be paid once: repeated presses (MC2) and requests with an Idempotency-Key. */

import { type MjPressResult, pressMjButton } from "@mjflow/engine/mj-compat";
import type { MjCompatDeps } from "@mjflow/engine/mj-read";
import type { PressDeps } from "@mjflow/engine/press";
import type { LambdaFunctionURLEvent } from "aws-lambda";
import { beforeEach, describe, expect, test } from "vitest";
import { bufferedHandler } from "../../functions/http/function-url.ts";
import { type Client, createClient, type Json, OTHER_SECRET, SECRET } from "./client.ts";

const ports = ["store", "mjTaskIds", "queue"] as const;
type Ports = Pick<Client["harness"]["deps"], (typeof ports)[number]>;

/** Returns ports whose every call first waits for `gate`. */
function gated(deps: Ports, gate: (call: string) => Promise<void>): Ports {
  const wrap = <P extends object>(name: string, port: P): P =>
    new Proxy(port, {
      get(target, verb) {
        const original = target[verb as keyof P];
        if (typeof original !== "function") return original;
        return async (...args: unknown[]) => {
          await gate(`${name}.${String(verb)}`);
          return original.apply(target, args);
        };
      },
    });
  return {
    store: wrap("store", deps.store),
    mjTaskIds: wrap("mjTaskIds", deps.mjTaskIds),
    queue: wrap("queue", deps.queue),
  };
}

/** Resolves when all promises that can settle have settled. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

let client: Client;
beforeEach(() => {
  client = createClient();
});

/** Returns a client with the same table and clock, whose calls of the table wait until `release` is called. */
function slowed() {
  const waiting: (() => void)[] = [];
  const slow = gated(client.harness.deps, () => new Promise((resolve) => waiting.push(resolve)));
  const { app } = createClient({ ...client.harness.deps, ...slow });
  return { app, waiting };
}

/** Sends equal presses at once and lets `between` act before each call of the table is done. */
async function pressSlowly(count: number, press: object, between: (step: number) => Promise<void> | void) {
  const { app, waiting } = slowed();
  const init = { method: "POST", headers: { "mj-api-secret": SECRET }, body: JSON.stringify(press) };
  const answers: Json[] = [];
  for (let i = 0; i < count; i++) {
    void Promise.resolve(app.request("/mj/submit/action", init)).then(async (r) => answers.push(await r.json()));
  }
  let step = 0;
  await settled();
  while (answers.length < count) {
    await between(step);
    // Every third time the newest call is first, so that requests overtake each other.
    const next = step++ % 3 === 0 ? waiting.pop() : waiting.shift();
    next?.();
    await settled();
  }
  return answers;
}

describe("a press that a client sends again (MC2)", () => {
  test("30 equal presses are one press while the clock passes 10 s and 60 s between any two calls of the table", async () => {
    for (const stepMs of [400, 10_000, 60_000]) {
      const id = await client.imagined();
      const press = { taskId: id, customId: await client.customId(id, "V1") };
      const before = client.harness.vendor.presses().length;
      const answers = await pressSlowly(30, press, () => client.harness.advance(stepMs));
      expect(new Set(answers.map(({ code, result }) => `${code} ${result}`)).size, `${stepMs} ms`).toBe(1);
      expect(answers[0]).toMatchObject({ code: 1, result: expect.stringMatching(/^\d{16}$/) });
      await client.harness.finishAll();
      expect(client.harness.vendor.presses().slice(before)).toEqual([press.customId]);
      const listed = (await client.call("GET", "/mj/task/list")).body.filter((task: Json) => task.customId);
      expect(listed.filter((task: Json) => task.customId === press.customId)).toHaveLength(1);
    }
  });

  test("a press that fails while equal requests are on their way is one press", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "V1") };
    client.harness.vendor.next({ kind: "refused", failure: { code: "vendor_refused", message: "no" } });
    const answers = await pressSlowly(10, press, async () => {
      client.harness.advance(1_000);
      await client.harness.drain();
    });
    expect(new Set(answers.map(({ result }) => result)).size).toBe(1);
    expect(client.harness.vendor.presses()).toHaveLength(1);
    // The client has seen the failure and presses again.
    expect((await client.fetchTask(answers[0].result)).status).toBe("FAILURE");
    const again = await client.post("/mj/submit/action", press);
    expect(again.body.code).toBe(1);
    expect(again.body.result).not.toBe(answers[0].result);
  });

  test("ten seconds count from the time when the child was made, not from the arrival of the first request", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "V1") };
    // The first request needs 32 s before it can store its child. The client has given up and sends the press again.
    const [first] = await pressSlowly(1, press, (step) => client.harness.advance(step < 4 ? 8_000 : 0));
    client.harness.advance(5_000);
    expect((await client.post("/mj/submit/action", press)).body.result).toBe(first.result);
    client.harness.advance(5_001);
    expect((await client.post("/mj/submit/action", press)).body.result).not.toBe(first.result);
  });

  test("a hundred deliberate presses of one button, each 10 s after the last, are a hundred tasks", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "🔄") };
    const ids = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { body } = await client.post("/mj/submit/action", press);
      ids.add(body.result);
      client.harness.advance(4_000);
      expect((await client.post("/mj/submit/action", press)).body.result).toBe(body.result);
      client.harness.advance(6_000);
    }
    expect(ids.size).toBe(100);
    await client.harness.drain();
    expect(client.harness.vendor.presses()).toHaveLength(100);
  });

  test("two equal presses on both sides of every ten seconds are one press under every interleaving", async () => {
    const { harness } = client;
    const id = await client.imagined();
    const customId = await client.customId(id, "V1");
    const deps = { ...harness.deps, limits: undefined };
    const START = harness.deps.clock.now();
    let now = START;
    const clock = { now: () => now };

    /** Runs two presses. `choose` picks which request goes on, or that 11 s pass. Returns both results. */
    async function race(nth: number, choose: (options: number) => number) {
      now = START + nth * 100_000;
      const waiting = new Map<string, () => void>();
      const done = new Map<string, MjPressResult | Error>();
      const arrivals = { A: now + 9_999, B: now + 10_001 };
      for (const [name, arrivedAt] of Object.entries(arrivals)) {
        // Reads of the parent change nothing, so they need no place of their own in the order.
        const gate = (call: string) =>
          /\.(?:load|create|delete|createTask|send)$/.test(call)
            ? new Promise<void>((resolve) => waiting.set(name, resolve))
            : Promise.resolve();
        const own: PressDeps & MjCompatDeps = { ...deps, ...gated(deps, gate), clock };
        void pressMjButton(own, "app_a", id, { customId }, { state: `${nth}` }, { arrivedAt })
          .catch((error: Error) => error)
          .then((result) => done.set(name, result));
      }
      now += 10_001;
      let ticks = 2;
      await settled();
      while (done.size < 2) {
        const names = [...waiting.keys()].sort();
        const chosen = choose(names.length + (ticks > 0 ? 1 : 0));
        const name = names[chosen];
        if (name === undefined) {
          ticks--;
          now += 11_000;
          continue;
        }
        const go = waiting.get(name)!;
        waiting.delete(name);
        go();
        await settled();
      }
      return done;
    }

    // Depth-first over all choices: the last choice that has another option is advanced.
    let path: { chosen: number; options: number }[] = [];
    let races = 0;
    do {
      let at = 0;
      const done = await race(races++, (options) => {
        path[at] ??= { chosen: 0, options };
        return path[at++]!.chosen;
      });
      const ids = [...done.values()].map((result) => ("pointer" in result ? result.pointer.id : String(result)));
      expect(new Set(ids).size, JSON.stringify(path)).toBe(1);
      path.length = at;
      while (path.length > 0 && path.at(-1)!.chosen + 1 >= path.at(-1)!.options) path.pop();
      if (path.length > 0) path = [...path.slice(0, -1), { ...path.at(-1)!, chosen: path.at(-1)!.chosen + 1 }];
    } while (path.length > 0);
    expect(races).toBeGreaterThan(1_000);
    await harness.drain();
    expect(harness.vendor.presses()).toHaveLength(races);
    // Thousands of interleavings need a minute and a half when nothing else runs.
  }, 300_000);

  test("40 equal presses across the boundary of every ten seconds are one press", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "U1") };
    const { app, waiting } = slowed();
    client.harness.advance(10_000 - (client.harness.deps.clock.now() % 10_000) - 20);
    const answers: Json[] = [];
    const init = { method: "POST", headers: { "mj-api-secret": SECRET }, body: JSON.stringify(press) };
    for (let i = 0; i < 40; i++) {
      void Promise.resolve(app.request("/mj/submit/action", init)).then(async (r) => answers.push(await r.json()));
      client.harness.advance(1);
      // The newest request goes first, so the requests after the boundary overtake those before it.
      await settled();
      waiting.pop()?.();
    }
    while (answers.length < 40) {
      await settled();
      waiting.pop()?.();
    }
    expect(new Set(answers.map(({ result }) => result)).size).toBe(1);
    await client.harness.finishAll();
    expect(client.harness.vendor.presses()).toHaveLength(1);
  });

  test("an id of a press that lost against an equal one is in no list, even if its request crashed", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "U1") };
    const { deps } = client.harness;
    deps.mjTaskIds.delete = () => Promise.reject(new Error("crash"));
    const answers = await Promise.all([1, 2, 3].map(() => client.post("/mj/submit/action", press)));
    expect(answers.map(({ body }) => body.code).toSorted()).toEqual([1, 9, 9]);
    expect((await deps.mjTaskIds.latest("app_a", 10)).length).toBe(4);
    const listed = (await client.call("GET", "/mj/task/list")).body.map((task: Json) => task.id);
    expect(listed).toEqual([answers.find(({ body }) => body.code === 1)!.body.result, id]);
  });

  test("a press on a canceled flow gets code 4 with words, and a repeated one its task", async () => {
    const id = await client.imagined();
    const customId = await client.customId(id, "U1");
    const earlier = await client.post("/mj/submit/action", { taskId: id, customId });
    await client.harness.drain();
    const { flowId } = (await client.harness.deps.mjTaskIds.get("app_a", id))!;
    await client.call("POST", `/v1/flows/${flowId}/cancel`, undefined, { authorization: `Bearer ${SECRET}` });
    const other = await client.customId(id, "U2");
    for (const [path, body] of [
      ["action", { taskId: id, customId: other }],
      ["change", { taskId: id, action: "UPSCALE", index: 2 }],
      ["simple-change", { content: `${id} U2` }],
    ] as const) {
      const refused = await client.post(`/mj/submit/${path}`, body);
      expect(refused.body, path).toMatchObject({ code: 4, result: null });
      expect(refused.body.description).toMatch(/canceled.*resume/);
    }
    expect((await client.post("/mj/submit/action", { taskId: id, customId })).body).toEqual(earlier.body);
    expect((await client.call("GET", "/mj/task/list")).body).toHaveLength(2);
  });

  test("a press with a notifyHook that would never be posted to gets code 4", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "U1"), notifyHook: "http://127.0.0.1/" };
    const { body } = await client.post("/mj/submit/action", press);
    expect(body).toMatchObject({
      code: 4,
      result: null,
      description: expect.stringMatching(/^notifyHook: only https/),
    });
    await client.harness.drain();
    expect(client.harness.vendor.presses()).toEqual([]);
  });
});

describe("Idempotency-Key", () => {
  const keyed = (key: string, secret = SECRET) => ({ "mj-api-secret": secret, "idempotency-key": key });

  /** Every verb that is paid, with a second body that differs. The parent has a button that opens a modal. */
  async function verbs(): Promise<[path: string, body: Json, other: Json][]> {
    const grid = await client.imagined();
    const single = await client.post("/mj/submit/change", { taskId: grid, action: "UPSCALE", index: 1 });
    await client.harness.finishAll();
    const [customId, inpaint] = [await client.customId(grid, "U2"), await client.customId(single.body.result, "🖌️")];
    const opened = await client.post("/mj/submit/action", { taskId: single.body.result, customId: inpaint });
    const images = { base64Array: ["https://p.test/1.png", "https://p.test/2.png"] };
    return [
      ["/mj/submit/imagine", { prompt: "a boat" }, { prompt: "a lake" }],
      ["/mj-fast/mj/submit/imagine", { prompt: "a boat", state: "1" }, { prompt: "a boat", state: "2" }],
      ["/mj/submit/blend", images, { base64Array: [...images.base64Array, "https://p.test/3.png"] }],
      ["/mj/submit/describe", { link: "https://p.test/1.png" }, { link: "https://p.test/2.png" }],
      ["/mj/submit/shorten", { prompt: "a long boat" }, { prompt: "a longer boat" }],
      [
        "/mj/insight-face/swap",
        { sourceUrl: "https://p.test/1.png", targetUrl: "https://p.test/2.png" },
        { sourceUrl: "https://p.test/1.png", targetUrl: "https://p.test/3.png" },
      ],
      ["/mj/submit/action", { taskId: grid, customId }, { taskId: grid, customId, state: "other" }],
      [
        "/mj/submit/change",
        { taskId: grid, action: "VARIATION", index: 1 },
        { taskId: grid, action: "VARIATION", index: 2 },
      ],
      ["/mj/submit/simple-change", { content: `${grid} V3` }, { content: `${grid} V4` }],
      [
        "/mj/submit/modal",
        { taskId: opened.body.result, prompt: "a window" },
        { taskId: opened.body.result, prompt: "a door" },
      ],
    ];
  }

  beforeEach(() => {
    const { capabilities } = client.harness.vendor.provider;
    Object.assign(capabilities, { rootActions: ["imagine", "blend", "describe", "shorten", "swap-face"] });
  });

  test("the same request with the same key has one result for a day on every paid route", async () => {
    for (const [path, body] of await verbs()) {
      const first = await client.post(path, body, keyed(path));
      expect(first.body.code, path).toBe(1);
      await client.harness.drain();
      const calls = client.harness.vendor.calls.length;
      client.harness.advance(12 * 3_600_000);
      const again = await client.post(path, body, keyed(path));
      expect([again.status, again.body], path).toEqual([200, first.body]);
      expect(again.headers.get("idempotency-replayed"), path).toBe("true");
      await client.harness.drain();
      expect(client.harness.vendor.calls, path).toHaveLength(calls);
    }
  });

  test("another body with the same key gets code 4 with words, and nothing is submitted", async () => {
    for (const [path, body, other] of await verbs()) {
      await client.post(path, body, keyed(path));
      await client.harness.drain();
      const calls = client.harness.vendor.calls.length;
      const refused = await client.post(path, other, keyed(path));
      expect([refused.status, refused.body.code, refused.body.result], path).toEqual([200, 4, null]);
      expect(refused.body.description, path).toMatch(/Idempotency-Key was used for a different request/);
      await client.harness.drain();
      expect(client.harness.vendor.calls, path).toHaveLength(calls);
    }
  });

  test("while the first request runs, an equal one gets code 23 with Retry-After", async () => {
    for (const [path, body] of await verbs()) {
      // The first request stops after it has stored its key.
      let stored = false;
      const held = Promise.withResolvers<void>();
      const slow = gated(client.harness.deps, async (call) => {
        if (stored) await held.promise;
        stored ||= call === "store.saveIdempotency";
      });
      const { app } = createClient({ ...client.harness.deps, ...slow });
      const first = Promise.resolve(
        app.request(path, { method: "POST", headers: keyed(path), body: JSON.stringify(body) }),
      );
      while (!stored) await settled();
      await settled();
      const busy = await client.post(path, body, keyed(path));
      expect([busy.status, busy.body.code, busy.body.result], path).toEqual([200, 23, null]);
      expect(busy.headers.get("retry-after"), path).toBe("1");
      held.resolve();
      const done = (await (await first).json()) as Json;
      expect(done.code, path).toBe(1);
      expect((await client.post(path, body, keyed(path))).body, path).toEqual(done);
    }
  });

  test.each([
    ["createFlow", "after"],
    ["createFlow", "before"],
    ["createTask", "after"],
  ] as const)("a request that crashes %s (%s) is completed under the id of its first attempt", async (verb, when) => {
    const id = await client.imagined();
    const [path, body] =
      verb === "createFlow"
        ? (["/mj/submit/imagine", { prompt: "x" }] as const)
        : (["/mj/submit/change", { taskId: id, action: "UPSCALE", index: 1 }] as const);
    client.harness.storeFault.arm(verb, when);
    expect((await client.post(path, body, keyed("k"))).body.code).toBe(9);
    const before = client.harness.vendor.calls.length;
    const completed = await client.post(path, body, keyed("k"));
    expect(completed.body.code).toBe(1);
    expect((await client.post(path, body, keyed("k"))).body).toEqual(completed.body);
    await client.harness.finishAll();
    expect(client.harness.vendor.calls).toHaveLength(before + 1);
    expect((await client.fetchTask(completed.body.result)).status).toBe("SUCCESS");
    // The id of the crashed attempt is not a second task.
    expect((await client.call("GET", "/mj/task/list")).body).toHaveLength(2);
  });

  test("a rejected request leaves its key free for a corrected one, and no id behind", async () => {
    const rejected = await client.post("/mj/submit/imagine", { prompt: "" }, keyed("k"));
    expect(rejected.body.code).toBe(4);
    const id = await client.imagined();
    const refused = await client.post("/mj/submit/change", { taskId: id, action: "UPSCALE", index: 9 }, keyed("k"));
    expect(refused.body.code).toBe(4);
    const corrected = await client.post("/mj/submit/change", { taskId: id, action: "UPSCALE", index: 1 }, keyed("k"));
    expect(corrected.body.code).toBe(1);
    expect((await client.call("GET", "/mj/task/list")).body).toHaveLength(2);
  });

  test("two keys are two presses, also within ten seconds, and another app may use the same key", async () => {
    const id = await client.imagined();
    const press = { taskId: id, customId: await client.customId(id, "🔄") };
    const [one, two] = [
      await client.post("/mj/submit/action", press, keyed("1")),
      await client.post("/mj/submit/action", press, keyed("2")),
    ];
    expect(one.body.result).not.toBe(two.body.result);
    expect((await client.post("/mj/submit/imagine", { prompt: "x" }, keyed("1", OTHER_SECRET))).body.code).toBe(1);
    await client.harness.drain();
    expect(client.harness.vendor.presses()).toHaveLength(2);
  });

  test("a repeated press that opens a modal gets code 21 with the same properties", async () => {
    const id = await client.imagined();
    const single = await client.post("/mj/submit/change", { taskId: id, action: "UPSCALE", index: 1 });
    await client.harness.finishAll();
    const customId = await client.customId(single.body.result, "🖌️");
    const press = { taskId: single.body.result, customId };
    const first = await client.post("/mj/submit/action", press, keyed("k"));
    expect(first.body).toMatchObject({ code: 21, properties: { remix: true } });
    expect((await client.post("/mj/submit/action", press, keyed("k"))).body).toEqual(first.body);
  });

  test("an empty or unreadable key is an error on both APIs, and nothing is submitted", async () => {
    const lambda = bufferedHandler((request) => client.unchecked.fetch(request));
    const http = { method: "POST", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" };
    for (const key of ["", '""', "with space"]) {
      for (const [path, status] of [
        ["/v1/flows", 400],
        ["/mj/submit/imagine", 200],
      ] as const) {
        // A function URL passes an empty header on.
        const event = {
          version: "2.0",
          rawPath: path,
          rawQueryString: "",
          headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json", "idempotency-key": key },
          requestContext: { http: { ...http, path }, domainName: "api.test" },
          body: JSON.stringify({ prompt: "x", ...(status === 400 && { provider: "fake" }) }),
          isBase64Encoded: false,
        };
        const answered = await lambda(event as unknown as LambdaFunctionURLEvent);
        const body = JSON.parse(answered.body!) as Json;
        expect(answered.statusCode, `${path} ${key}`).toBe(status);
        const words = body.detail ?? body.description;
        expect(words, `${path} ${key}`).toMatch(/^Idempotency-Key: must be 1 to 255 visible ASCII characters/);
        if (status === 200) expect(body.code).toBe(4);
      }
    }
    expect(client.harness.dump().flows).toEqual([]);
  });
});
