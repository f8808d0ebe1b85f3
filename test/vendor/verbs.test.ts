/**
 * Videos, edits and retextures through the whole stack, at each simulated vendor that has them. What a vendor lacks is
 * refused before anything is stored or paid, and the error names who has it.
 */
import type { FlowRequest } from "@mjflow/core/request";
import { taskView } from "@mjflow/engine/view";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { afterEach, describe, expect, test } from "vitest";
import { createApiClient, OPERATOR } from "../app/api-client.ts";
import { createClient } from "../mj-compat/client.ts";
import { type Simulated, startSimulated } from "../support/simulated.ts";

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const LINK = "https://x.test/a.png";
const MINUTE = 60_000;

let stack: Simulated | undefined;
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
});

const video = (more: Partial<FlowRequest> = {}) =>
  ({ action: "video", prompt: "slow drift", image: LINK, ...more }) as const;

async function completed(provider: "cometapi" | "trueai" | "newapi" | "simulator", request: Partial<FlowRequest>) {
  stack = await startSimulated(provider);
  const flow = await stack.start(request);
  await stack.pass(5 * MINUTE, 15_000);
  const { status, tasks } = await stack.harness.read(flow);
  expect(status).toBe("completed");
  return { flow, tasks, paid: stack.simulator.ledger().counts.tasks, rows: stack.simulator.ledger().submissions };
}

describe.each(["cometapi", "trueai", "newapi", "simulator"] as const)("at %s", (provider) => {
  test("a video is made of one image, and its films are in the result", async () => {
    const { tasks, paid } = await completed(provider, video({ motion: "high" }));
    const root = tasks.get("0")!;
    expect(root).toMatchObject({ status: "SUCCESS", action: "VIDEO", pace: "video" });
    expect(root.result!.videos!.length).toBeGreaterThan(0);
    expect(root.result!.videos![0]!.url).toMatch(/\.mp4$/);
    expect(paid).toBe(1);
  });

  test("a film is extended by number, and the extension is another paid video", async () => {
    const number = provider === "cometapi" ? 1 : 3;
    const { tasks, paid, rows } = await completed(provider, video({ then: [{ press: `extend:low:${number}` }] }));
    expect(tasks.get("0-0")).toMatchObject({ status: "SUCCESS", action: "VIDEO", pace: "video" });
    expect(paid).toBe(2);
    expect(rows.at(-1)).toMatchObject({ verb: "video", parentId: tasks.get("0")!.vendorTaskId, action: "VIDEO" });
  });

  test("an image is animated from a plan, by its button or by a video request", async () => {
    const then = [{ press: "U1", then: [{ press: "animate:high" }] }];
    const { tasks, rows } = await completed(provider, { then });
    expect(tasks.get("0-0-0")).toMatchObject({ status: "SUCCESS", action: "VIDEO" });
    const byButton = provider === "trueai" || provider === "simulator";
    expect(rows.at(-1)!.verb).toBe(byButton ? "action" : "video");
  });

  test("an edit gives a grid whose images can be upscaled", async () => {
    const mask = provider === "trueai" ? {} : { maskBase64: PNG };
    const then = [{ press: "U2" }];
    const { tasks } = await completed(provider, { action: "edit", image: PNG, prompt: "in snow", ...mask, then });
    expect(tasks.get("0")).toMatchObject({ status: "SUCCESS", action: "EDITS" });
    expect(tasks.get("0-0")).toMatchObject({ status: "SUCCESS", action: "UPSCALE" });
  });
});

test.each(["trueai", "simulator"] as const)("a retexture is made at %s", async (provider) => {
  const request = { action: "retexture", image: LINK, prompt: "of wood" } as const;
  expect((await completed(provider, request)).tasks.get("0")).toMatchObject({ status: "SUCCESS", action: "RETEXTURE" });
});

test("one of four films is selected by U2 at trueai, which names it only as its image", async () => {
  const then = [{ press: "upscale:2", then: [{ press: "extend:high" }] }];
  const { tasks } = await completed("trueai", video({ then }));
  const selected = tasks.get("0-0")!;
  expect(selected).toMatchObject({ status: "SUCCESS", action: "UPSCALE" });
  expect(selected.result!.videos).toEqual([{ url: selected.result!.imageUrl }]);
  expect(tasks.get("0-0-0")).toMatchObject({ status: "SUCCESS", action: "VIDEO" });
});

test("batchSize sets the number of films", async () => {
  const { tasks } = await completed("trueai", video({ batchSize: 1, loop: true, videoType: "vid_1.1_i2v_720" }));
  expect(tasks.get("0")!.result!.videos).toHaveLength(1);
});

test("an animation in a turbo flow is submitted in fast mode, because no vendor makes videos in turbo", async () => {
  const then = [{ press: "U1", then: [{ press: "animate:low" }] }];
  const { rows } = await completed("simulator", { mode: "turbo", then });
  expect(rows.map(({ mode }) => mode)).toEqual(["TURBO", "TURBO", "FAST"]);
});

test("an older new-api without videos answers 404: the task fails at once, and nothing is paid", async () => {
  stack = await startSimulated("agicto");
  const provider = stack.harness.deps.providers.get("agicto")!.provider;
  const outcome = await provider.submit(
    { action: "video", inputs: { image: LINK } },
    { account: { baseUrl: stack.simulator.baseUrl("agicto"), apiKey: "key" }, notifyHook: "", state: "s" },
  );
  expect(outcome).toMatchObject({ kind: "refused", failure: { code: "unsupported" } });
  expect(stack.simulator.ledger().counts.tasks).toBe(0);
});

describe("what the vendor lacks gets 400 or 422 before anything is stored", () => {
  const account = { baseUrl: "http://vendor.test", apiKey: "key" };
  function clientOf(...ids: string[]) {
    const config: ProvidersConfig = Object.fromEntries(ids.map((id) => [id, account]));
    const httpClient = async () => {
      throw new Error("a request was sent");
    };
    return createApiClient({}, { registry: createProviders(config, { httpClient }) });
  }

  test.each([
    ["newapi", { action: "retexture", image: PNG, prompt: "x" }, "action"],
    ["xfusionai", { action: "video", image: PNG, prompt: "x" }, "action"],
    ["midjourney-proxy", { action: "edit", image: PNG, prompt: "x" }, "action"],
    ["cometapi", { action: "video", image: PNG, endImage: PNG }, "endImage"],
    ["cometapi", { action: "video", image: PNG, loop: true }, "loop"],
    ["cometapi", { action: "video", image: PNG, batchSize: 1 }, "batchSize"],
    ["trueai", { action: "edit", image: PNG, prompt: "x", maskBase64: PNG }, "maskBase64"],
    ["trueai", { action: "video", image: PNG }, "prompt"],
  ])(
    "%s with %j is refused at %s and the error names the configured provider that has it",
    async (provider, body, field) => {
      const client = clientOf(provider, "simulator");
      const answer = await client.call(OPERATOR, "POST", "/v1/flows", { provider, ...body });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({ code: "invalid_request", field, providers: ["simulator"] });
      expect(answer.body.detail).toContain(provider);
      expect(answer.body.detail).toContain("Configured providers that can: simulator.");
      expect((await client.call(OPERATOR, "GET", "/v1/flows")).body.data).toEqual([]);
    },
  );

  test("if no configured provider has it, the error names the vendors that have it", async () => {
    const client = clientOf("newapi", "xfusionai");
    const request = (body: object) => client.call(OPERATOR, "POST", "/v1/flows", { provider: "newapi", ...body });
    const retexture = await request({ action: "retexture", image: PNG, prompt: "x" });
    expect(retexture.body.detail).toContain("Vendors that can: trueai.");
    const heart = await request({ prompt: "x", then: [{ press: "U1", then: [{ press: "❤️" }] }] });
    expect(heart.status).toBe(422);
    expect(heart.body.detail).toContain("No vendor that mjflow knows can.");
    const auto = await request({ provider: "auto", action: "retexture", image: PNG, prompt: "x" });
    expect(auto.body.detail).toContain("Vendors that can: trueai.");
  });

  test("a field that asks for nothing is no reason to refuse: loop false at cometapi", async () => {
    const client = clientOf("cometapi");
    const answer = await client.call(OPERATOR, "POST", "/v1/flows", {
      provider: "cometapi",
      action: "video",
      image: PNG,
      loop: false,
    });
    expect(answer.status).toBe(202);
  });
});

describe("the prompt of a press whose button opens a modal only with remix", () => {
  const then = [{ press: "V2", prompt: "the same boat at night" }];

  test.each(["simulator", "trueai", "cometapi"] as const)(
    "is used at %s, which is asked to open the modal",
    async (provider) => {
      const { tasks, flow } = await completed(provider, { then });
      expect(tasks.get("0-0")).toMatchObject({ status: "SUCCESS", modals: 1 });
      const { vendorTaskId } = tasks.get("0-0")!;
      expect(stack!.simulator.task(vendorTaskId!)!.prompt).toContain("the same boat at night");
      expect(
        taskView((await stack!.harness.read(flow)).tasks.get("0-0")!, { api: "https://api.test", media: (key) => key })
          .modalIgnored,
      ).toBe(false);
    },
  );

  test("is shown as ignored at newapi, if its upstream opens no modal", async () => {
    const { tasks } = await completed("newapi", { then });
    expect(tasks.get("0-0")).toMatchObject({ status: "SUCCESS", modals: 0 });
    expect(taskView(tasks.get("0-0")!, { api: "https://api.test", media: (key) => key }).modalIgnored).toBe(true);
    expect(taskView(tasks.get("0")!, { api: "https://api.test", media: (key) => key }).modalIgnored).toBe(false);
  });

  test("is part of a video request at newapi, so it is not ignored", async () => {
    const animated = [{ press: "U1", then: [{ press: "animate:low", prompt: "waves" }] }];
    const { tasks, rows } = await completed("newapi", { then: animated });
    expect(rows.at(-1)).toMatchObject({ verb: "video", prompt: "waves" });
    expect(taskView(tasks.get("0-0-0")!, { api: "https://api.test", media: (key) => key }).modalIgnored).toBe(false);
  });

  test("is refused before anything is stored if the vendor takes no modal answers or the button opens none", async () => {
    const account = { baseUrl: "http://vendor.test", apiKey: "key" };
    const httpClient = async () => {
      throw new Error("a request was sent");
    };
    const registry = createProviders({ agicto: account, simulator: account }, { httpClient });
    const client = createApiClient({}, { registry });
    const request = (provider: string, plan: object[]) =>
      client.call(OPERATOR, "POST", "/v1/flows", { provider, prompt: "a boat", then: plan });
    const atAgicto = await request("agicto", then);
    expect(atAgicto.status).toBe(422);
    expect(atAgicto.body).toMatchObject({
      code: "press_unsupported",
      field: "then[0].prompt",
      providers: ["simulator"],
    });
    const onUpscale = await request("simulator", [{ press: "U1", prompt: "x" }]);
    expect(onUpscale.status).toBe(400);
    expect(onUpscale.body).toMatchObject({ code: "invalid_request", field: "then[0].prompt" });
    expect((await client.call(OPERATOR, "GET", "/v1/flows")).body.data).toEqual([]);
  });
});

describe("the picture of a running task", () => {
  test.each(["simulator", "trueai", "newapi"] as const)(
    "of %s is shown in reads and in the compat API, and is gone after the end",
    async (provider) => {
      stack = await startSimulated(provider);
      const client = createClient({ defaultProvider: provider }, stack.harness);
      const id = (await client.post("/mj/submit/imagine", { prompt: "a boat" })).body.result;
      await stack.harness.drain();
      await stack.pass(1_500, 300);
      const running = await client.fetchTask(id);
      expect(running).toMatchObject({ status: "IN_PROGRESS", imageUrl: expect.stringMatching(/preview=|rand=/) });
      const [row] = stack.harness.dump().tasks;
      const view = taskView(row!, { api: "https://api.test", media: (key) => key });
      expect(view).toMatchObject({ previewUrl: running.imageUrl, imageUrl: null, images: [] });
      await stack.pass(MINUTE, 5_000);
      const [ended] = stack.harness.dump().tasks;
      expect(ended).toMatchObject({ status: "SUCCESS" });
      expect(ended).not.toHaveProperty("previewUrl");
      expect(taskView(ended!, { api: "https://api.test", media: (key) => key }).previewUrl).toBeNull();
      // A row that an earlier version has ended may still have the link.
      expect(
        taskView({ ...ended!, previewUrl: "https://x.test/old" }, { api: "https://api.test", media: (key) => key })
          .previewUrl,
      ).toBeNull();
    },
  );
});
