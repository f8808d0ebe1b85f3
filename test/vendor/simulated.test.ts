/** What real servers of the family do, through the whole stack: the simulated vendor, its adapter and the engine. */
import { taskView } from "@mjflow/engine/view";
import { afterEach, describe, expect, test } from "vitest";
import { type Simulated, startSimulated } from "../support/simulated.ts";

const MINUTE = 60_000;
const PNG = "data:image/png;base64,iVBORw0KGgo=";

let stack: Simulated;
afterEach(() => stack?.stop());

const paid = () => stack.simulator.ledger().counts.tasks;

describe("a relay that removes the mode from the path", () => {
  test("gets the mode as a flag in the prompt, so the vendor works in this mode", async () => {
    stack = await startSimulated("newapi");
    const flow = await stack.start({ mode: "relax" });
    const { vendorTaskId } = await stack.task(flow);
    expect(stack.simulator.task(vendorTaskId!)).toMatchObject({ mode: "RELAX", prompt: "a paper boat --relax" });
  });
});

describe("a relay whose rows freeze at 100 %", () => {
  test("ends the task as vendor_stalled within minutes, and the picture of the row is in late", async () => {
    stack = await startSimulated("newapi", { frozenRows: true, silent: true });
    const flow = await stack.start({ then: [{ press: "U1" }] });
    await stack.pass(15 * MINUTE, 15_000);
    const task = await stack.task(flow);
    expect(task).toMatchObject({ status: "EXPIRED", failure: { code: "vendor_stalled" } });
    const { imageUrl } = task.late!.result!;
    expect(imageUrl).toContain(`/mj/image/${task.vendorTaskId}`);
    const image = await fetch(imageUrl!);
    expect([image.status, image.headers.get("content-type")]).toEqual([200, "image/png"]);
    expect(paid()).toBe(1);
  });

  test("ends a press as parent_not_ready after three minutes, and the circuit breaker stays closed", async () => {
    stack = await startSimulated("newapi", { frozenRows: true });
    const flow = await stack.start({ then: [{ press: "U1" }] });
    await stack.pass(10 * MINUTE, 5_000);
    expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS" });
    const press = await stack.task(flow, "0-0");
    expect(press).toMatchObject({ status: "EXPIRED", failure: { code: "parent_not_ready" } });
    const health = await stack.harness.deps.store.health("newapi", "default");
    expect(health?.openUntil).toBeUndefined();
    expect(paid()).toBe(1);
  });
});

describe("the text of a describe", () => {
  test.each([
    ["midjourney-proxy", { variant: "novicezk" }],
    ["midjourney-proxy", {}],
    ["trueai", {}],
    ["newapi", {}],
    ["cometapi", {}],
    ["simulator", {}],
  ] as const)("is read at %s with the scenario %j, whatever fields have it", async (provider, scenario) => {
    stack = await startSimulated(provider, scenario);
    const flow = await stack.start({ action: "describe", prompt: undefined, base64Array: [PNG] });
    await stack.pass(MINUTE);
    const task = await stack.task(flow);
    expect(task.status).toBe("SUCCESS");
    expect(taskView(task, { api: "https://api.test", media: (key) => key }).text).toContain("a small house by the sea");
  });
});

describe("status words of another server", () => {
  test("RUNNING and FINISHED are read in callbacks and look-ups, and the plan goes on", async () => {
    for (const silent of [false, true]) {
      stack = await startSimulated("midjourney-proxy", { variant: "webman", silent });
      const flow = await stack.start({ then: [{ press: "U1" }] });
      await stack.pass(10 * MINUTE, 15_000);
      expect((await stack.harness.read(flow)).status).toBe("completed");
      if (!silent) await stack.stop();
    }
  });

  test("FAILED ends the task with the vendor's reason", async () => {
    stack = await startSimulated("midjourney-proxy", { variant: "webman" });
    const flow = await stack.start({ prompt: "a boat --sim fail" });
    await stack.pass(MINUTE);
    const task = await stack.task(flow);
    expect(task).toMatchObject({ status: "FAILURE" });
    expect(task.failure!.vendor?.description ?? task.failure!.message).not.toBe("");
    expect(["vendor_failed", "invalid_prompt"]).toContain(task.failure!.code);
  });
});

describe("damaged and wrapped bodies", () => {
  test.each(["bom", "php-notice", "jsonp", "two-documents"] as const)(
    "%s: each submission is accepted at once and paid once, and look-ups find its end",
    async (damage) => {
      stack = await startSimulated("cometapi", { damage, silent: true });
      const flow = await stack.start({ then: [{ press: "U1" }, { press: "V2" }] });
      expect((await stack.task(flow)).status).toBe("SUBMITTED");
      await stack.pass(15 * MINUTE, 15_000);
      expect((await stack.harness.read(flow)).status).toBe("completed");
      expect(paid()).toBe(3);
      expect(stack.harness.metrics.get("Unclear")).toBeUndefined();
    },
  );

  test.each(["result", "data.list"] as const)("a list in the envelope %s is read", async (envelope) => {
    stack = await startSimulated("gitaigc", { envelope, silent: true });
    const flow = await stack.start({ then: [{ press: "U1" }] });
    await stack.pass(10 * MINUTE, 15_000);
    expect((await stack.harness.read(flow)).status).toBe("completed");
    expect(stack.harness.metrics.get("LookupFailures")).toBeUndefined();
  });

  test("an error in a 200 to many look-ups ends no task", async () => {
    stack = await startSimulated("agicto", { silent: true });
    const fault = stack.simulator.arm({ kind: "lookup-error-200", times: 6 });
    const flow = await stack.start();
    await stack.pass(25 * MINUTE, 15_000);
    expect(fault.fired).toBe(6);
    expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS" });
    expect(paid()).toBe(1);
  });
});

describe("answers that prove that nothing was started", () => {
  test.each([
    ["newapi", "answer-overloaded"],
    ["cometapi", "answer-challenge"],
  ] as const)("%s answers %s: the task waits some seconds and is paid once", async (provider, kind) => {
    stack = await startSimulated(provider);
    const fault = stack.simulator.arm({ kind, times: 2 });
    const flow = await stack.start();
    expect((await stack.task(flow)).status).toBe("PENDING");
    await stack.pass(MINUTE);
    expect(fault.fired).toBe(2);
    expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS" });
    expect(stack.harness.metrics.get("Unclear")).toBeUndefined();
    expect(paid()).toBe(1);
  });
});

describe("ends that are reported twice", () => {
  test("a success after a reported timeout is adopted, and its plan goes on", async () => {
    stack = await startSimulated("simulator");
    const fault = stack.simulator.arm({ kind: "failure-before-success", action: "IMAGINE" });
    const flow = await stack.start({ then: [{ press: "U1" }] });
    await stack.pass(2 * MINUTE);
    expect(fault.fired).toBe(1);
    expect((await stack.harness.read(flow)).status).toBe("completed");
    expect(await stack.task(flow)).toMatchObject({ status: "SUCCESS", late: { status: "FAILURE" } });
    expect(paid()).toBe(2);
  });

  test("an image that comes after its success is filled in", async () => {
    stack = await startSimulated("simulator");
    const fault = stack.simulator.arm({ kind: "image-after-success", action: "IMAGINE" });
    const flow = await stack.start();
    await stack.pass(MINUTE);
    expect(fault.fired).toBe(1);
    expect((await stack.task(flow)).result!.imageUrl).toContain("/images/");
  });
});
