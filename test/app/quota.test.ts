/** Limits of apps: new flows per minute, running flows and credit; and the settlement of the credit. */
import type { Limits } from "@mjflow/core/app";
import { admission, counterIdOf, pressHold } from "@mjflow/core/credit";
import { newCreditRow } from "@mjflow/core/credit-row";
import { ORPHANED_HOLD_AFTER_MS } from "@mjflow/core/flow-credit";
import { flowIdOf } from "@mjflow/core/id";
import { IDEMPOTENCY_LEASE_MS } from "@mjflow/core/idempotency";
import { MAX_ENTRIES, MAX_PRESS_ENTRIES } from "@mjflow/engine/credit-counter";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

let api: ApiClient;
let app: { id: string; key: string };
beforeEach(() => {
  api = createApiClient();
});

const join = async (limits?: Limits) => {
  app = await api.join("shop", limits);
};
const create = (body: object = FLOW, headers: Record<string, string> = {}) =>
  api.call(app.key, "POST", "/v1/flows", body, headers);
const usage = async (query = "") => (await api.call(app.key, "GET", `/v1/usage${query}`)).body;
const rootOf = ({ id }: { id: string }) => `${id.replace("flow_", "task_")}_0`;
/** Prices in USD: imagine 0.04, upscale 0.01, variation 0.04. */
const PLAN = { ...FLOW, then: [{ press: ["U1", "U2"] }, { press: "V1" }] };

describe("new flows per minute", () => {
  test("the headers count new flows, and a flow above the quota gets 429 with a Retry-After", async () => {
    await join({ flowsPerMinute: 3 });
    for (const [remaining, reset] of [
      [2, 20],
      [1, 40],
      [0, 60],
    ]) {
      const { status, headers } = await create();
      expect(status).toBe(202);
      expect(headers.get("ratelimit-policy")).toBe('"flows";q=3;w=60');
      expect(headers.get("ratelimit")).toBe(`"flows";r=${remaining};t=${reset}`);
    }
    const refused = await create();
    expect(refused).toMatchObject({ status: 429, body: { code: "rate_limited", retry: "later" } });
    expect(refused.headers.get("retry-after")).toBe("20");
    expect(refused.headers.get("ratelimit")).toBe('"flows";r=0;t=60');
    api.harness.advance(20_000);
    expect((await create()).status).toBe(202);
    expect(api.harness.dump().flows).toHaveLength(4);
  });

  test("a repeated Idempotency-Key is not counted again", async () => {
    await join({ flowsPerMinute: 1 });
    for (let i = 0; i < 3; i++) expect((await create(FLOW, { "idempotency-key": "k" })).status).toBe(202);
    const other = await create(FLOW, { "idempotency-key": "other" });
    expect(other.status).toBe(429);
    api.harness.advance(60_000);
    expect((await create(FLOW, { "idempotency-key": "other" })).status).toBe(202);
  });

  test("two apps are counted separately, and an app without limits causes no row and no header", async () => {
    await join({ flowsPerMinute: 1 });
    await create();
    await join();
    const calls = api.harness.storeFault.calls.length;
    const { status, headers } = await create();
    expect([status, headers.get("ratelimit")]).toEqual([202, null]);
    await api.harness.finishAll();
    const created = api.harness.storeFault.calls.slice(calls);
    expect(created.filter((verb) => /credit/i.test(verb))).toEqual([]);
    expect(await usage()).toMatchObject({ balanceUsd: null, counted: false, settledUsd: 0, days: [] });
  });
});

test("a flow above the limit of running flows gets 429 until a flow has ended", async () => {
  await join({ runningFlows: 2 });
  await create();
  await create();
  expect(await create()).toMatchObject({ status: 429, body: { code: "too_many_flows", retry: "later" } });
  expect(await usage()).toMatchObject({ runningFlows: 2, balanceUsd: null, counted: true });
  await api.harness.finishAll();
  expect(await usage()).toMatchObject({ runningFlows: 0, settledUsd: 0.08 });
  expect((await create()).status).toBe(202);
});

describe("credit", () => {
  test("the whole plan is held before the first write, and accepted submissions are charged", async () => {
    await join({ creditsUsd: 1 });
    await create(PLAN);
    expect(await usage()).toMatchObject({ balanceUsd: 0.9, reservedUsd: 0.1, settledUsd: 0, runningFlows: 1 });
    await api.harness.finishAll();
    expect(await usage()).toEqual({
      appId: app.id,
      balanceUsd: 0.9,
      counted: true,
      reservedUsd: 0,
      settledUsd: 0.1,
      refundedUsd: 0,
      addedUsd: 0,
      runningFlows: 0,
      days: [{ day: "2026-11-21", flows: 1, settledUsd: 0.1 }],
    });
  });

  test.each<[string, object, number]>([
    ["--turbo in the prompt", { prompt: "x --turbo" }, 0.108],
    ["--relax in the prompt", { prompt: "x --relax", mode: "turbo" }, 0.015],
    ["a mode of accountFilter", { accountFilter: { modes: ["TURBO"] } }, 0.108],
    ["--repeat", { prompt: "x --repeat 10" }, 0.4],
    ["permutations", { prompt: "{a,b,c} cat {1,2,3}" }, 0.36],
    ["permutations with --repeat and --turbo", { prompt: "{a,b} cat --repeat 2 --turbo" }, 0.432],
    ["an animation named by its customId", { then: [{ press: "MJ::JOB::animate_high::1::0-0::SOLO" }] }, 0.64],
  ])("what is held follows the request: %s", async (_, request, usd) => {
    await join({ creditsUsd: 1 });
    expect((await create({ ...FLOW, ...request })).status).toBe(202);
    expect((await usage()).reservedUsd).toBeCloseTo(usd, 6);
    await api.harness.finishAll();
    const { settledUsd, reservedUsd } = await usage();
    expect(reservedUsd).toBe(0);
    expect(settledUsd).toBeCloseTo("then" in request ? 0.04 : usd, 6);
  });

  test("a plan above the credit gets 402 with its price, and nothing is created or held", async () => {
    await join({ creditsUsd: 0.09 });
    const refused = await create(PLAN);
    expect(refused).toMatchObject({
      status: 402,
      body: { code: "out_of_credit", retry: "never", estimatedUsd: 0.1, balanceUsd: 0.09 },
    });
    expect(api.harness.dump().flows).toEqual([]);
    expect(await usage()).toMatchObject({ balanceUsd: 0.09, reservedUsd: 0, runningFlows: 0 });
    expect((await create()).status).toBe(202);
  });

  test("credit is refunded for tasks that were rejected, banned or never started", async () => {
    await join({ creditsUsd: 1 });
    api.harness.vendor.next({ kind: "refused", failure: { code: "banned_prompt", message: "banned" } });
    await create(PLAN);
    await api.harness.drain();
    expect(await usage()).toMatchObject({ balanceUsd: 1, refundedUsd: 0.1, settledUsd: 0 });

    await create({ ...FLOW, then: [{ press: "Zoom Out 9x", then: [{ press: "V1" }] }, { press: "U1" }] });
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ balanceUsd: 0.95, settledUsd: 0.05 });
  });

  test("a press of the app extends the hold or opens a new one, and only the press is settled", async () => {
    await join({ creditsUsd: 0.1 });
    const { body } = await create();
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ balanceUsd: 0.06, reservedUsd: 0 });
    const press = (what: string) => api.call(app.key, "POST", `/v1/tasks/${rootOf(body)}/actions`, { press: what });
    expect((await press("V1")).status).toBe(202);
    expect(await usage()).toMatchObject({ balanceUsd: 0.02, reservedUsd: 0.04, runningFlows: 1 });
    expect((await press("U1")).status).toBe(202);
    expect(await press("V2")).toMatchObject({ status: 402, body: { code: "out_of_credit" } });
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ balanceUsd: 0.01, reservedUsd: 0, settledUsd: 0.09, days: [{ flows: 1 }] });
    expect(api.harness.vendor.calls).toHaveLength(3);
    // The flow has no due time any more.
    expect(api.harness.dump().flows[0]!.due).toBeUndefined();
  });

  test("the compat API also checks the credit, and responds with its own code", async () => {
    await join({ creditsUsd: 0.04 });
    const imagine = () => api.call(app.key, "POST", "/mj/submit/imagine", { prompt: "a boat" });
    expect((await imagine()).body).toMatchObject({ code: 1 });
    expect((await imagine()).body).toMatchObject({ code: 23 });
    expect(api.harness.dump().flows).toHaveLength(1);
  });

  test("after a limit is removed, only the existing holds are settled", async () => {
    await join({ creditsUsd: 1 });
    await create();
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { limits: null });
    api.harness.advance(60_000);
    await create();
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ balanceUsd: null, settledUsd: 0.04, reservedUsd: 0 });
  });

  test("thirty parallel flows are held one by one, up to the credit", async () => {
    await join({ creditsUsd: 1 });
    const responses = await Promise.all(Array.from({ length: 30 }, () => create()));
    const created = responses.filter(({ status }) => status === 202).length;
    expect(created).toBe(25);
    expect(await usage()).toMatchObject({ balanceUsd: 0, reservedUsd: 1, runningFlows: 25 });
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ balanceUsd: 0, settledUsd: 1, refundedUsd: 0, reservedUsd: 0 });
  });
});

describe("crashes", () => {
  test("the hold of a request that crashed before it wrote the flow is refunded after 15 minutes", async () => {
    await join({ creditsUsd: 0.04 });
    api.harness.storeFault.arm("createFlow", "before");
    expect((await create()).status).toBe(500);
    expect((await create()).status).toBe(402);
    api.harness.advance(ORPHANED_HOLD_AFTER_MS - 1);
    expect((await create()).status).toBe(402);
    api.harness.advance(1);
    expect(await usage()).toMatchObject({ balanceUsd: 0.04, refundedUsd: 0.04, reservedUsd: 0 });
    expect((await create()).status).toBe(202);
  });

  test("a request that crashed after the hold is completed under its Idempotency-Key with one hold", async () => {
    await join({ creditsUsd: 0.05 });
    const keyed = { "idempotency-key": "k" };
    for (const wait of [IDEMPOTENCY_LEASE_MS, ORPHANED_HOLD_AFTER_MS]) {
      api.harness.storeFault.arm("createFlow", "before");
      expect((await create(FLOW, keyed)).status).toBe(500);
      api.harness.advance(wait);
    }
    expect((await create(FLOW, keyed)).status).toBe(202);
    expect(await usage()).toMatchObject({ balanceUsd: 0.01, reservedUsd: 0.04 });
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0 });
  });

  test.each(["before", "after"] as const)(
    "a crash %s the settlement is repaired by the sweeper, once",
    async (when) => {
      await join({ creditsUsd: 1 });
      await create();
      await api.harness.drain();
      api.harness.storeFault.arm("changeCredit", when);
      await expect(api.harness.post(api.harness.vendor.calls[0]!, "SUCCESS")).rejects.toThrow("crash");
      expect(api.harness.dump().flows[0]).toMatchObject({ status: "running" });
      api.harness.advance(21 * 60_000);
      await api.harness.sweep();
      expect(api.harness.dump().flows[0]).toMatchObject({ status: "completed" });
      expect(await usage()).toMatchObject({ settledUsd: 0.04, refundedUsd: 0, reservedUsd: 0, balanceUsd: 0.96 });
    },
  );

  /** DynamoDB may apply a copy of a signed request minutes after it was answered. */
  test("a settlement that another process finishes is counted once, also if copies of its requests arrive late", async () => {
    await join({ creditsUsd: 1 });
    await create();
    await api.harness.drain();
    api.harness.storeFault.arm("changeCredit", "after");
    await expect(api.harness.post(api.harness.vendor.calls[0]!, "SUCCESS")).rejects.toThrow("crash");
    // The entry of the settlement is nearly old enough to be removed when the sweeper takes the settlement over.
    api.harness.advance(ORPHANED_HOLD_AFTER_MS - 1_000);
    const sent = vi.spyOn(api.harness.deps.store, "changeCredit");
    await api.harness.sweep();
    expect(api.harness.dump().flows[0]).toMatchObject({ status: "completed" });
    const copies = [...sent.mock.calls];
    sent.mockRestore();
    api.harness.advance(60_000);
    await api.harness.sweep();
    expect((await api.harness.deps.store.creditCounter(app.id))!.entries).toEqual({});
    for (const copy of copies) await api.harness.deps.store.changeCredit(...copy);
    expect(await usage()).toMatchObject({ settledUsd: 0.04, refundedUsd: 0, balanceUsd: 0.96, runningFlows: 0 });
  });

  test.each(["changeCredit", "saveFlow", "createTask"] as const)(
    "a press that crashes at %s leaves no hold and no unpaid task",
    async (verb) => {
      for (const when of ["before", "after"] as const) {
        api = createApiClient();
        await join({ creditsUsd: 1 });
        const { body } = await create();
        await api.harness.finishAll();
        api.harness.storeFault.arm(verb, when);
        const path = `/v1/tasks/${rootOf(body)}/actions`;
        expect((await api.call(app.key, "POST", path, { press: "U1" })).status).toBe(500);
        expect(api.harness.storeFault.fired()).toBe(1);
        for (let i = 0; i < 3; i++) {
          api.harness.advance(21 * 60_000);
          await api.harness.sweep();
          await api.harness.finishAll();
        }
        const pressed = api.harness.vendor.presses().length;
        expect(await usage()).toMatchObject({ reservedUsd: 0, runningFlows: 0, settledUsd: 0.04 + 0.01 * pressed });
        expect(api.harness.dump().flows[0]!.due).toBeUndefined();
      }
    },
  );
});

test("with too many unconfirmed changes a new flow gets 503, running flows are settled, and the sweeper makes room", async () => {
  await join({ creditsUsd: 100 });
  await create();
  const { store } = api.harness.deps;
  const at = api.harness.deps.clock.now();
  for (let i = 0; i < MAX_ENTRIES; i++) {
    const flowId = flowIdOf(
      at,
      Uint8Array.from({ length: 10 }, (_, n) => (n === 9 ? i % 256 : n)),
    );
    const hold = admission(undefined, { creditsUsd: 100 }, { flowId, micro: 40_000, mark: "m", resumed: false }, at)!;
    expect((await store.changeCredit(app.id, hold)).ok).toBe(true);
  }
  // The process sees the entries with its next change.
  await create();
  expect(await create()).toMatchObject({ status: 503, body: { code: "overloaded", retry: "later" } });
  expect(api.harness.metrics.get("CreditOverloaded")).toBe(1);
  await api.harness.finishAll();
  expect(await usage()).toMatchObject({ settledUsd: 0.08, reservedUsd: 0.04 * MAX_ENTRIES, runningFlows: MAX_ENTRIES });
  for (let minutes = 0; minutes < 20; minutes++) {
    api.harness.advance(60_000);
    await api.harness.sweep();
  }
  expect(await usage()).toMatchObject({ settledUsd: 0.08, reservedUsd: 0, runningFlows: 0 });
  expect((await create()).status).toBe(202);
});

test("with too many unsettled presses another press gets 429, a new flow is admitted, and the sweeper makes room", async () => {
  await join({ creditsUsd: 100 });
  const { body } = await create();
  await api.harness.finishAll();
  const { store } = api.harness.deps;
  const at = api.harness.deps.clock.now();
  for (let i = 0; i < MAX_PRESS_ENTRIES; i++) {
    const flowId = flowIdOf(
      at,
      Uint8Array.from({ length: 10 }, (_, n) => (n === 9 ? i : n)),
    );
    const press = pressHold({ creditsUsd: 100 }, { flowId, path: "0-1", micro: 40_000, mark: "m", runs: true }, at);
    expect((await store.changeCredit(app.id, press)).ok).toBe(true);
  }
  // The process sees the entries with its next change.
  expect((await create()).status).toBe(202);
  const press = () => api.call(app.key, "POST", `/v1/tasks/${rootOf(body)}/actions`, { press: "upscale:1" });
  expect(await press()).toMatchObject({ status: 429, body: { code: "too_many_presses" } });
  expect(api.harness.dump().tasks.filter((task) => task.flowId === body.id)).toHaveLength(1);
  expect(api.harness.metrics.get("CreditOverloaded")).toBe(1);
  for (let minutes = 0; minutes < 30; minutes++) {
    api.harness.advance(60_000);
    await api.harness.sweep();
  }
  expect((await press()).status).toBe(202);
});

describe("the credit row of an earlier version", () => {
  /** Turns the app and its only flow into what an earlier version had written. */
  async function asEarlierVersion(held: number): Promise<string> {
    await join({ creditsUsd: 1 });
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { limits: null });
    api.harness.advance(60_000);
    const { body } = await create();
    await api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, { limits: { creditsUsd: 1 } });
    api.harness.advance(60_000);
    const { store } = api.harness.deps;
    const { flow } = await store.load(body.id, []);
    await store.saveFlow({ ...flow!, hasCreditHold: true });
    const hold = { micro: held, at: flow!.createdAt, before: 0, awaits: [] };
    const lost = { ...hold, micro: 50_000 };
    await store.saveCreditRow({
      ...newCreditRow(app.id, flow!.createdAt),
      ...{ added: 10_000, reserved: 300_000 + held, settled: 200_000, refunded: 50_000 },
      holds: { [body.id]: hold, flow_01K9ZC7T3R8M2V5X0Q4B6N1JHD: lost },
      days: { "2026-11-20": { flows: 5, settled: 200_000 } },
    });
    return body.id;
  }

  test("the app moves with its first change, and its running flow is settled with the hold in the frozen row", async () => {
    const id = await asEarlierVersion(100_000);
    expect(await usage()).toMatchObject({ balanceUsd: 0.66, reservedUsd: 0.15, settledUsd: 0.2, runningFlows: 2 });
    const { store } = api.harness.deps;
    expect(await store.creditRow(app.id)).toMatchObject({ frozen: true, settled: 200_000 });
    await create();
    await api.harness.finishAll();
    expect(api.harness.dump().flows.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect((await store.load(id, [])).flow!.credit).toMatchObject({ held: 0, runs: 0, settlements: 1 });
    expect(await usage()).toMatchObject({ settledUsd: 0.28, reservedUsd: 0.05, runningFlows: 1 });
    // The hold of a flow that was never written is given back.
    api.harness.advance(ORPHANED_HOLD_AFTER_MS);
    expect(await usage()).toMatchObject({
      ...{ balanceUsd: 0.73, reservedUsd: 0, settledUsd: 0.28, refundedUsd: 0.16, runningFlows: 0, addedUsd: 0.01 },
      days: [
        { day: "2026-11-21", flows: 2, settledUsd: 0.08 },
        { day: "2026-11-20", flows: 5, settledUsd: 0.2 },
      ],
    });
  });

  test.each(["saveCreditRow", "createCreditCounter"] as const)(
    "a move that crashes at %s is continued by the next request with the same result",
    async (verb) => {
      for (const when of ["before", "after"] as const) {
        api = createApiClient();
        await asEarlierVersion(100_000);
        api.harness.storeFault.arm(verb, when);
        expect((await create()).status).toBe(500);
        expect((await create()).status).toBe(202);
        expect(await usage()).toMatchObject({ balanceUsd: 0.62, reservedUsd: 0.19, settledUsd: 0.2, runningFlows: 3 });
      }
    },
  );
});

describe("added credit", () => {
  const add = (addUsd: number, reference: string) =>
    api.call(OPERATOR, "POST", `/v1/apps/${app.id}/credits`, { addUsd, reference });

  test("credit is added once per reference", async () => {
    await join({ creditsUsd: 0 });
    expect((await create()).status).toBe(402);
    expect((await add(0.05, "invoice 7")).body).toMatchObject({ balanceUsd: 0.05, addedUsd: 0.05 });
    expect((await add(0.05, "invoice 7")).body).toMatchObject({ addedUsd: 0.05 });
    expect((await add(0.000001, "invoice 8")).body).toMatchObject({ addedUsd: 0.050001 });
    expect(await add(0.06, "invoice 7")).toMatchObject({ status: 422, body: { field: "reference" } });
    expect((await create()).status).toBe(202);
    for (const bad of [
      { addUsd: 0, reference: "x" },
      { addUsd: -1, reference: "x" },
      { addUsd: 1 },
      { reference: "x" },
    ]) {
      expect((await api.call(OPERATOR, "POST", `/v1/apps/${app.id}/credits`, bad)).status).toBe(400);
    }
  });

  test("parallel repeated requests add each reference once", async () => {
    await join({ creditsUsd: 0 });
    const references = Array.from({ length: 8 }, (_, i) => `invoice ${i % 4}`);
    await Promise.all(references.map((reference) => add(1, reference)));
    expect(await usage()).toMatchObject({ addedUsd: 4, balanceUsd: 4 });
  });

  test.each(["saveGrant", "changeCredit", "saveGrant 2"])(
    "a grant that crashes at %s is added by the next request",
    async (at) => {
      for (const when of ["before", "after"] as const) {
        api = createApiClient();
        await join({ creditsUsd: 0 });
        await add(1, "invoice 6");
        const [verb, second] = at.split(" ") as ["saveGrant" | "changeCredit", string?];
        api.harness.storeFault.arm(verb, when, second ? 1 : 0);
        expect((await add(2, "invoice 7")).status).toBe(500);
        // Other grants come in between and remove finished references from the credit row.
        await add(4, "invoice 8");
        expect((await add(2, "invoice 7")).status).toBe(200);
        await add(8, "invoice 9");
        await add(2, "invoice 7");
        expect(await usage()).toMatchObject({ addedUsd: 15 });
      }
    },
  );
});

/** DynamoDB may apply a copy of a signed request minutes after it was answered. */
test("a grant that a later request finishes is added once, also if copies of its requests arrive late", async () => {
  await join({ creditsUsd: 0 });
  const add = (reference = "invoice 7") =>
    api.call(OPERATOR, "POST", `/v1/apps/${app.id}/credits`, { addUsd: 2, reference });
  await add("invoice 6");
  api.harness.storeFault.arm("changeCredit", "after");
  expect((await add()).status).toBe(500);
  // The entry of the grant is nearly old enough to be removed.
  api.harness.advance(ORPHANED_HOLD_AFTER_MS - 1_000);
  const sent = vi.spyOn(api.harness.deps.store, "changeCredit");
  expect((await add()).status).toBe(200);
  const copies = [...sent.mock.calls];
  sent.mockRestore();
  api.harness.advance(60_000);
  // A reader of the usage first removes old entries.
  expect(await usage()).toMatchObject({ addedUsd: 4 });
  expect((await api.harness.deps.store.creditCounter(app.id))!.entries).toEqual({});
  for (const copy of copies) await api.harness.deps.store.changeCredit(...copy);
  expect(await usage()).toMatchObject({ addedUsd: 4, balanceUsd: 4 });
});

describe("an app with four credit counters (E8)", () => {
  const joinFour = async (limits: Limits) => {
    app = await api.join("shop", limits, 4);
  };
  let processes = 0;
  /** Creates a flow in another process, which prefers another counter. */
  const createElsewhere = (body: object = FLOW, headers: Record<string, string> = {}) => {
    processes++;
    api.harness.deps.random.chance = () => ((processes % 4) + 0.5) / 16_000;
    return api.call(app.key, "POST", "/v1/flows", body, headers, api.container());
  };

  test("its flows are held in several counters, the usage is their sum, and each flow is settled where it is held", async () => {
    await joinFour({ creditsUsd: 4, runningFlows: 40 });
    for (let i = 0; i < 12; i++) {
      expect((await createElsewhere(PLAN)).status).toBe(202);
    }
    const { flows } = api.harness.dump();
    expect(new Set(flows.map(({ credit }) => credit!.counter ?? 0)).size).toBe(4);
    expect(await usage()).toMatchObject({ balanceUsd: 2.8, reservedUsd: 1.2, runningFlows: 12 });
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ balanceUsd: 2.8, reservedUsd: 0, runningFlows: 0, settledUsd: 1.2 });
    expect((await usage()).days).toMatchObject([{ flows: 12, settledUsd: 1.2 }]);
    const press = await api.call(app.key, "POST", `/v1/tasks/${rootOf(flows[3]!)}/actions`, { press: "U3" });
    expect(press.status).toBe(202);
    await api.harness.finishAll();
    expect(await usage()).toMatchObject({ reservedUsd: 0, runningFlows: 0, settledUsd: 1.21 });
  });

  test("no limit is exceeded in sum, and a refusal says that the limits are divided", async () => {
    for (const [limits, code] of [
      [{ creditsUsd: 0.32 }, "out_of_credit"],
      [{ runningFlows: 8 }, "too_many_flows"],
      [{ flowsPerMinute: 8 }, "rate_limited"],
      [{ flowsPerMinute: 3 }, "rate_limited"],
    ] as [Limits, string][]) {
      api = createApiClient();
      await joinFour(limits);
      const created = [];
      for (let i = 0; i < 40; i++) created.push(await createElsewhere());
      expect(created.filter(({ status }) => status === 202)).toHaveLength(limits.flowsPerMinute ?? 8);
      const refused = created.find(({ status }) => status !== 202)!.body;
      expect(refused.code).toBe(code);
      expect(refused.detail).toContain("divided over 4 counters");
    }
  });

  test("the number of counters is shown, stays when limits are changed or removed, and cannot be patched", async () => {
    await joinFour({ creditsUsd: 1 });
    const patch = (body: object) => api.call(OPERATOR, "PATCH", `/v1/apps/${app.id}`, body);
    expect((await patch({ limits: { runningFlows: 4 } })).body).toMatchObject({
      creditCounters: 4,
      limits: { creditsUsd: null, runningFlows: 4 },
    });
    expect((await patch({ limits: null })).body).toMatchObject({ creditCounters: 4, limits: { runningFlows: null } });
    expect((await patch({ creditCounters: 2 })).status).toBe(400);
    expect((await create()).status).toBe(202);
    expect((await api.call(OPERATOR, "POST", "/v1/apps", { name: "x", creditCounters: 17 })).status).toBe(400);
    expect((await api.call(OPERATOR, "POST", "/v1/apps", { name: "x" })).body.creditCounters).toBe(1);
  });

  test("a request that crashed after its hold is completed by another process with the same hold", async () => {
    for (let i = 0; i < 4; i++) {
      api = createApiClient();
      await joinFour({ creditsUsd: 4 });
      const keyed = { "idempotency-key": "k" };
      api.harness.storeFault.arm("createFlow", "before");
      expect((await create(FLOW, keyed)).status).toBe(500);
      api.harness.advance(IDEMPOTENCY_LEASE_MS);
      expect((await createElsewhere(FLOW, keyed)).status).toBe(202);
      expect(await usage()).toMatchObject({ reservedUsd: 0.04, runningFlows: 1 });
      await api.harness.finishAll();
      expect(await usage()).toMatchObject({ settledUsd: 0.04, reservedUsd: 0, runningFlows: 0 });
    }
  });

  async function sweepFor(minutes: number) {
    for (let minute = 0; minute < minutes; minute++) {
      api.harness.advance(60_000);
      await api.harness.sweep();
    }
  }

  test("a grant is divided over the counters, once, also if its process crashes in between", async () => {
    const grant = () =>
      api.call(OPERATOR, "POST", `/v1/apps/${app.id}/credits`, { addUsd: 0.000_007, reference: "invoice 1" });
    for (let crashAt = 0; crashAt < 9; crashAt++) {
      for (const heal of ["request", "sweeper"]) {
        api = createApiClient();
        await joinFour({ creditsUsd: 1 });
        api.harness.storeFault.arm("changeCredit", crashAt % 2 ? "after" : "before", crashAt);
        const isCrashed = (await grant()).status === 500;
        if (heal === "request") await grant();
        await sweepFor(40);
        // Without an entry nothing shows the sweeper a grant whose process crashed before its first change.
        if (isCrashed && heal === "sweeper") await grant();
        await sweepFor(20);
        expect(await usage()).toMatchObject({ addedUsd: 0.000_007, balanceUsd: 1.000_007 });
        const entries = await Promise.all(
          [0, 1, 2, 3].map(
            async (no) => (await api.harness.deps.store.creditCounter(counterIdOf(app.id, no)))?.entries,
          ),
        );
        expect(entries.flatMap((each) => Object.keys(each ?? {}))).toEqual([]);
      }
    }
  });
});

test("an app reads only its own usage, and the operator reads the usage of every app", async () => {
  await join({ creditsUsd: 1 });
  const other = await api.join("other", { creditsUsd: 2 });
  expect((await api.call(app.key, "GET", `/v1/usage?app=${other.id}`)).status).toBe(404);
  expect((await api.call(OPERATOR, "GET", `/v1/usage?app=${other.id}`)).body).toMatchObject({ balanceUsd: 2 });
  expect((await api.call(OPERATOR, "GET", "/v1/usage")).body).toMatchObject({
    appId: "app_default",
    balanceUsd: null,
  });
  expect((await api.call(app.key, "GET", "/v1/usage?since=1")).status).toBe(400);
});
