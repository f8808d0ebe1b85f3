/** `Idempotency-Key`: the same key is the same flow or task, whatever happens to a try, and another body is told so. */
import { IDEMPOTENCY_LEASE_MS, IDEMPOTENCY_TTL_MS } from "@mjflow/core/idempotency";
import { beforeEach, describe, expect, test } from "vitest";
import { type ApiClient, type ApiResponse, createApiClient, FLOW } from "./api-client.ts";

let door: ApiClient;
let app: { id: string; key: string };
beforeEach(async () => {
  door = createApiClient();
  app = await door.join();
});

const KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324";
const post = (path: string, body: unknown, key: string = KEY, by = app) =>
  door.call(by.key, "POST", path, body, { "idempotency-key": key });
const create = (body: unknown = FLOW, key?: string) => post("/v1/flows", body, key);
const flows = async () => (await door.call(app.key, "GET", "/v1/flows")).body.data as { id: string }[];
const isReplay = ({ headers }: ApiResponse) => headers.get("idempotency-replayed") === "true";

describe("the same key again", () => {
  test("is the same flow, as it stands now; one picture is paid", async () => {
    const first = await create();
    expect([first.status, isReplay(first)]).toEqual([202, false]);
    await door.world.finishAll();
    const again = await create();
    expect([again.status, isReplay(again)]).toEqual([200, true]);
    expect(again.body).toMatchObject({ id: first.body.id, status: "completed" });
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(door.world.vendor.calls).toHaveLength(1);
  });

  test("is the same whatever the order of its fields, quoted or bare", async () => {
    const { body } = await create({ provider: "fake", prompt: "a boat", then: [{ press: "U1", prompt: "x" }] });
    const turned = { then: [{ prompt: "x", press: "U1" }], prompt: "a boat", provider: "fake" };
    expect((await create(turned, `"${KEY}"`)).body.id).toBe(body.id);
  });

  test("with another body, or at another address, is a 422; nothing is made", async () => {
    const { body } = await create();
    const other = await create({ ...FLOW, prompt: "another boat" });
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_mismatch", retry: "never" } });
    await door.world.finishAll();
    const task = `${body.id.replace("flow_", "task_")}_0`;
    expect((await post(`/v1/tasks/${task}/actions`, { press: "U1" })).status).toBe(422);
    expect(await flows()).toHaveLength(1);
    expect(door.world.vendor.calls).toHaveLength(1);
  });

  test("of another app is another flow", async () => {
    const { body } = await create();
    const other = await door.join("other");
    const theirs = await post("/v1/flows", { ...FLOW, prompt: "another boat" }, KEY, other);
    expect(theirs.status).toBe(202);
    expect(theirs.body.id).not.toBe(body.id);
  });

  test("a day later is a new request", async () => {
    const { body } = await create();
    door.world.advance(IDEMPOTENCY_TTL_MS - 1);
    expect((await create()).body.id).toBe(body.id);
    door.world.advance(1);
    const next = await create({ ...FLOW, prompt: "another boat" });
    expect([next.status, isReplay(next)]).toEqual([202, false]);
    expect(next.body.id).not.toBe(body.id);
  });

  test("after a refusal may come with a corrected body", async () => {
    expect((await create({ ...FLOW, provider: "nobody" })).status).toBe(400);
    expect((await create({ ...FLOW, prompt: "" })).status).toBe(400);
    const made = await create();
    expect([made.status, isReplay(made)]).toEqual([202, false]);
  });

  test("presses a button once, and answers with what came of it", async () => {
    const { body } = await create(FLOW, "flow");
    await door.world.finishAll();
    const path = `/v1/tasks/${body.id.replace("flow_", "task_")}_0/actions`;
    const first = await post(path, { press: "U1" });
    const again = await post(path, { press: "U1" });
    expect([first.status, again.status, isReplay(again)]).toEqual([202, 202, true]);
    expect(again.body.id).toBe(first.body.id);
    await door.world.finishAll();
    expect((await post(path, { press: "U1" })).body).toMatchObject({ id: first.body.id, status: "SUCCESS" });
    expect(door.world.vendor.presses()).toHaveLength(1);
    expect((await post(path, { press: "U1" }, "another")).body.id).not.toBe(first.body.id);
  });

  test("answers a window once, and says so; another answer under another key is a 409", async () => {
    door.world.vendor.next((c) => ({ kind: "modal", vendorTaskId: c.id }));
    const { body } = await create(FLOW, "flow");
    await door.world.drain();
    const path = `/v1/tasks/${body.id.replace("flow_", "task_")}_0/modal`;
    expect((await post(path, { prompt: "at night" })).status).toBe(202);
    await door.world.finishAll();
    const again = await post(path, { prompt: "at night" });
    expect([again.status, isReplay(again), again.body.status]).toEqual([200, true, "SUCCESS"]);
    expect((await post(path, { prompt: "by day" })).status).toBe(422);
    expect((await post(path, { prompt: "by day" }, "another")).status).toBe(409);
    expect(door.world.vendor.calls.filter((call) => call.kind === "modal")).toHaveLength(1);
  });
});

test("two requests at once: one makes the flow, the other is told to come again, and then finds it", async () => {
  const both = await Promise.all([create(), create()]);
  const [made] = both.filter(({ status }) => status === 202);
  const [early] = both.filter(({ status }) => status === 409);
  expect(early).toMatchObject({ body: { code: "idempotency_in_flight", retry: "later" } });
  expect(Number(early!.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await create()).body.id).toBe(made!.body.id);
  expect(await flows()).toHaveLength(1);
});

test("fifty at once, on two containers: one flow, one picture", async () => {
  const containers = [door.app, door.container()];
  const send = (i: number) =>
    door.call(app.key, "POST", "/v1/flows", FLOW, { "idempotency-key": KEY }, containers[i % 2]);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => send(i)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
  await door.world.finishAll();
  expect(await flows()).toHaveLength(1);
  expect(door.world.vendor.calls).toHaveLength(1);
});

describe("a key that is none is a 400, and nothing is written", () => {
  const hostile: [string, string][] = [
    ["empty", ""],
    ["of 256 characters", "x".repeat(256)],
    ["with a space", "a b"],
    ["with a tab", "a\tb"],
    ["two in one header", "a, b"],
    ["of other letters", "caf\u00e9"],
    ["quoted and empty", '""'],
  ];
  test.each(hostile)("%s", async (_, key) => {
    const calls = door.world.storeFault.calls.length;
    expect(await create(FLOW, key)).toMatchObject({ status: 400, body: { field: "Idempotency-Key" } });
    expect(door.world.storeFault.calls.slice(calls).filter((verb) => /create|save(?!AppKey)/.test(verb))).toEqual([]);
  });

  test.each(["x".repeat(255), "#app_x#key", "../../flow", "%00", '"', "__proto__", "{}", "idem"])(
    "but this is one, as strange as it looks: %s",
    async (key) => {
      const { body } = await create(FLOW, key);
      expect((await create(FLOW, key)).body.id).toBe(body.id);
    },
  );
});

/**
 * The first try dies before or after each write there is. Whoever comes next with the key, once the lease of the dead is
 * over, gets the one flow there is, and the vendor is paid for one picture.
 */
describe("a try that dies is finished by the next one with the key", () => {
  const verbs = ["saveIdempotency", "createFlow", "saveIdempotency 2"] as const;
  const points = verbs.flatMap((verb) => (["before", "after"] as const).map((when) => [verb, when] as const));

  test.each(points)("at %s, %s it happened", async (verb, when) => {
    const { world } = door;
    const [name, second] = verb.split(" ") as ["saveIdempotency" | "createFlow", string?];
    world.storeFault.arm(name, when, second ? 1 : 0);
    const died = await create();
    expect(world.storeFault.fired()).toBe(1);
    // The end of the row is a hint: the flow is there, and the app is told so.
    expect(died.status).toBe(second ? 202 : 500);
    world.advance(IDEMPOTENCY_LEASE_MS);
    const next = await create();
    expect(next.status).toBe(202);
    if (second) expect(next.body.id).toBe(died.body.id);
    await world.finishAll();
    expect(await flows()).toEqual([expect.objectContaining({ id: next.body.id, status: "completed" })]);
    expect(world.vendor.calls).toHaveLength(1);
    expect((await create()).body.id).toBe(next.body.id);
  });

  test("at the queue, before and after: the answer was 202, and it still is", async () => {
    for (const when of ["before", "after"] as const) {
      door.world.queueFault.arm("send", when);
      const { body, status } = await create(FLOW, when);
      expect(status).toBe(202);
      expect((await create(FLOW, when)).body.id).toBe(body.id);
    }
    door.world.advance(20 * 60_000);
    await door.world.sweep();
    await door.world.finishAll();
    expect(door.world.vendor.calls).toHaveLength(2);
  });

  test.each([
    ["by an earlier version, whose roots the sweeper removes", true],
    ["by this one", false],
  ])(
    "between the root and the flow, hours ago, %s: the sweeper and the next try meet, and the flow is whole",
    async (_, isEarlier) => {
      const { world } = door;
      // As the table has it after a try that died between its two writes.
      const half = door.container({
        async createFlow(_, root) {
          await world.deps.store.createTask(isEarlier ? { ...root, flowDue: undefined } : root);
          throw new Error("killed");
        },
      });
      const keyed = { "idempotency-key": KEY };
      expect((await door.call(app.key, "POST", "/v1/flows", FLOW, keyed, half)).status).toBe(500);
      world.advance(2 * 3_600_000);
      // The table has the root already, so it is not written again: were it swept away now, the flow would have none.
      let kept: unknown;
      const meeting = door.container({
        async createFlow(flow, root) {
          await world.sweep();
          kept = await world.deps.store.getTask({ flowId: flow.id, path: root.path });
          return world.deps.store.createFlow(flow, root);
        },
      });
      const next = await door.call(app.key, "POST", "/v1/flows", FLOW, keyed, meeting);
      expect(kept).toBeDefined();
      expect(next.status).toBe(202);
      await world.finishAll();
      expect(await flows()).toEqual([expect.objectContaining({ id: next.body.id, status: "completed" })]);
      expect(world.vendor.calls).toHaveLength(1);
    },
  );

  test("while the lease of a try that died holds, the others are told to come again", async () => {
    door.world.storeFault.arm("createFlow", "after");
    // Its end cannot be written either, as when the process is gone.
    door.world.storeFault.arm("saveIdempotency", "before", 1);
    expect((await create()).status).toBe(500);
    expect((await create()).status).toBe(409);
    door.world.advance(IDEMPOTENCY_LEASE_MS);
    expect((await create()).status).toBe(202);
    expect(await flows()).toHaveLength(1);
  });

  test("a press that died after it was stored is found, not pressed again", async () => {
    const { world } = door;
    const { body } = await create(FLOW, "flow");
    await world.finishAll();
    const path = `/v1/tasks/${body.id.replace("flow_", "task_")}_0/actions`;
    for (const when of ["before", "after"] as const) {
      world.storeFault.arm("createTask", when);
      expect((await post(path, { press: "U1" }, when)).status).toBe(500);
      world.advance(IDEMPOTENCY_LEASE_MS);
      expect((await post(path, { press: "U1" }, when)).status).toBe(202);
      await world.finishAll();
    }
    expect(world.vendor.presses()).toHaveLength(2);
  });
});

test("it costs one put and one update, and a replay one refused put", async () => {
  const counted = async (run: () => Promise<unknown>) => {
    const before = door.world.storeFault.calls.length;
    await run();
    return door.world.storeFault.calls.slice(before).filter((verb) => verb !== "appWithKey" && verb !== "saveAppKey");
  };
  expect(await counted(() => create())).toEqual(["saveIdempotency", "createFlow", "saveIdempotency"]);
  expect(await counted(() => create())).toEqual(["saveIdempotency", "loadFlow"]);
});
