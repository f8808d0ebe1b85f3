/** Typical uses by an app, on a running local server with vendors without faults. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Json, type SpawnedServer, spawnServer } from "../support/spawned.ts";

const PROVIDERS = ["simulator", "cometapi", "gitaigc", "xfusionai", "agicto", "midjourney-proxy", "trueai", "newapi"];
const PLAN = [{ press: ["U1", "U3", "U4"] }, { press: "U2", then: [{ press: "zoom:2" }] }];

/** Long timings: no look-up is due in these tests, so every look-up would mean a lost callback. */
const MINUTE = 60_000;
const TIMINGS = JSON.stringify({
  quietMs: { turbo: MINUTE, fast: MINUTE, relax: MINUTE, video: MINUTE },
  unknownMs: MINUTE,
  instantMs: MINUTE,
});

let server: SpawnedServer;
beforeAll(async () => {
  server = await spawnServer({ env: { MJFLOW_TIMINGS: TIMINGS } });
});
afterAll(() => server?.stop());

describe("a plan runs to its end with callbacks in every dialect", () => {
  test.concurrent.each(PROVIDERS)(
    "%s runs the plan with each button pressed once and without look-ups",
    async (provider) => {
      const id = await server.start({ provider, mode: "fast", state: `of ${provider}`, then: PLAN });
      const flow = await server.ended(id);
      expect(flow).toMatchObject({ status: "completed", state: `of ${provider}` });
      expect(flow.counts).toMatchObject({ submissions: 6, lookups: 0, modals: 0 });
      const [root, u1, u3, u4, u2, zoom] = flow.tasks;
      expect(flow.tasks.map((task: Json) => task.press)).toEqual([null, "U1", "U3", "U4", "U2", "zoom:2"]);
      for (const task of [u1, u3, u4, u2]) expect(task).toMatchObject({ parentId: root.id, rootId: root.id, depth: 1 });
      expect(zoom).toMatchObject({ parentId: u2.id, rootId: root.id, depth: 2, action: "ZOOM" });
      for (const task of flow.tasks) {
        expect(task).toMatchObject({ status: "SUCCESS", progress: 100, attempts: 1, provider });
        expect(task.imageUrl).toMatch(/^http/);
        expect(task.buttons.length).toBeGreaterThan(0);
      }
      expect(u1.customId).toMatch(/^MJ::JOB::upsample::1::/);
    },
  );

  test("the image URL of a task returns a PNG", async () => {
    const id = await server.start({});
    const { tasks } = await server.ended(id);
    const response = await fetch(tasks[0].imageUrl);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe("PNG");
  });

  test("buttons of novicezk, which has no buttons and no /submit/action, are pressed by index", async () => {
    await server.sim("PUT", "/scenarios/midjourney-proxy", { variant: "novicezk" });
    const id = await server.start({
      provider: "midjourney-proxy",
      then: [{ press: "U2" }, { press: "reroll", then: [{ press: "V1" }] }],
    });
    const flow = await server.ended(id);
    await server.sim("PUT", "/scenarios/midjourney-proxy", {});
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 4, lookups: 0 } });
  });
});

describe("modals, failures and missing buttons", () => {
  const MASK =
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

  test("the modals of a custom zoom and a region are answered from the plan, with prompt and mask", async () => {
    const then = [
      {
        press: "U1",
        then: [
          { press: "zoom:custom", prompt: "a boat --zoom 1.6" },
          { press: "vary:region", modal: { prompt: "a red sail", maskBase64: MASK } },
        ],
      },
    ];
    const flow = await server.ended(await server.start({ then }));
    expect(flow).toMatchObject({ status: "completed", counts: { submissions: 4, modals: 2, lookups: 0 } });
    expect(flow.tasks.map((task: Json) => task.status)).toEqual(Array(4).fill("SUCCESS"));
  });

  test("an unknown press fails with the offered buttons, and the other branches continue", async () => {
    const flow = await server.ended(await server.start({ then: [{ press: "Zoom Out 2x" }, { press: "U1" }] }));
    expect(flow.status).toBe("completed");
    const [, unknown, u1] = flow.tasks;
    expect(unknown).toMatchObject({ status: "FAILURE", attempts: 0, failure: { code: "press_not_offered" } });
    expect(unknown.failure.offered).toEqual(expect.arrayContaining(["U1", "V4"]));
    expect(u1.status).toBe("SUCCESS");
  });

  test("a branch that fails at the vendor does not stop the other branches", async () => {
    await server.sim("POST", "/faults", { kind: "fail-task", provider: "gitaigc", action: "UPSCALE" });
    const flow = await server.ended(await server.start({ provider: "gitaigc", then: [{ press: ["U1", "U2", "U3"] }] }));
    expect(flow.status).toBe("completed");
    const statuses = flow.tasks.slice(1).map((task: Json) => task.status);
    expect(statuses.sort()).toEqual(["FAILURE", "SUCCESS", "SUCCESS"]);
    const failed = flow.tasks.find((task: Json) => task.status === "FAILURE");
    expect(failed.failure.code).toBe("vendor_failed");
    expect(failed.failReason.length).toBeGreaterThan(0);
  });

  test("a banned prompt fails the flow with the code banned_prompt and is not submitted again", async () => {
    const flow = await server.ended(await server.start({ prompt: "a gory scene" }));
    expect(flow).toMatchObject({ status: "failed", counts: { submissions: 1 } });
    expect(flow.tasks[0].failure).toMatchObject({ code: "banned_prompt" });
  });

  test("an app presses a button of a finished task", async () => {
    const id = await server.start({});
    const { tasks } = await server.ended(id);
    const { status, body } = await server.call("POST", `/v1/tasks/${tasks[0].id}/actions`, {
      press: "V2",
      then: [{ press: "U1" }],
    });
    expect(status).toBe(202);
    const flow = await server.ended(id);
    expect(flow.tasks).toHaveLength(3);
    expect(flow.tasks.find((task: Json) => task.id === body.id)).toMatchObject({ press: "V2", status: "SUCCESS" });
  });
});

describe("HTTP API", () => {
  test("4 KB of state with emoji, quotes and newlines are returned byte for byte", async () => {
    const head = '{"a": "\\"quoted\\""}\r\n\t🛶👩‍👩‍👧 \u2028 é ';
    const state = head + "€".repeat(Math.floor((4_096 - Buffer.byteLength(head)) / 3));
    expect(Buffer.byteLength(state)).toBeGreaterThan(4_090);
    const id = await server.start({ state });
    expect((await server.flow(id)).state).toBe(state);
    expect((await server.ended(id)).state).toBe(state);
  });

  test("invalid input gives problem+json with the field's name and creates no flow", async () => {
    const before = (await server.call("GET", "/v1/flows?limit=100")).body.data.length;
    const { status, headers, body } = await server.call("POST", "/v1/flows", {
      provider: "simulator",
      prompt: "x",
      then: [{ press: "" }],
    });
    expect([status, headers.get("content-type")]).toEqual([400, "application/problem+json"]);
    expect(body).toMatchObject({ code: "invalid_request", field: "then[0].press" });
    expect((await server.call("GET", "/v1/flows?limit=100")).body.data.length).toBe(before);
  });

  test("a body above 6 MB is rejected with 413", async () => {
    const response = await fetch(`${server.url}/v1/flows`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "x".repeat(6 * 1024 * 1024 + 1),
    });
    expect(response.status).toBe(413);
  });

  test("a request with another key is rejected with 401", async () => {
    expect((await server.call("GET", "/v1/flows", undefined, { authorization: "Bearer other" })).status).toBe(401);
  });

  test("a callback without a valid token is rejected and changes no task", async () => {
    const id = await server.start({ prompt: "a boat --sim stuck" });
    await expectRunning(id);
    const ulid = id.slice("flow_".length);
    const body = { id: "1", status: "SUCCESS", imageUrl: "https://evil.test/x.png" };
    for (const token of ["x", `1.abcdef.${ulid}.0.1.simulator.default.zzzzzz.n.${"A".repeat(43)}`]) {
      expect((await server.call("POST", `/callbacks/${token}`, body)).status).toBe(401);
    }
    expect((await server.call("POST", "/callbacks/", body)).status).toBe(404);
    expect((await server.flow(id)).tasks[0].imageUrl).toBeNull();
  });

  async function expectRunning(id: string): Promise<void> {
    expect((await server.flow(id)).status).toBe("running");
  }

  test("an unknown path gives 404, and the health check gives 200", async () => {
    expect((await server.call("GET", "/nothing")).status).toBe(404);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

// A vendor of the midjourney-proxy family, and one with a protocol of its own that calls back only at the end.
test.each(["xfusionai", "ttapi"])(
  "npm run demo at %s prints bars, lineage and counts, and exits with 0",
  async (id) => {
    const env = { ...process.env, MJFLOW_SIMULATOR_SPEED: "0.3" };
    const { stdout } = await promisify(execFile)(process.execPath, ["bin/demo.mjs", "--provider", id], { env });
    expect(stdout).toContain("█");
    expect(stdout).toMatch(/├─ U2 .*\n.*│ {2}└─ zoom:2 .*✓ task_\S+ +http/);
    expect(stdout).toMatch(/ {2}6 submissions · \d+ callbacks\n/);
    expect(stdout).not.toContain("look-up");
  },
);
