/**
 * What a vendor can never do is rejected before anything is stored or paid, and left out of what it is said to offer. The
 * simulated vendors decide which button each of them refuses.
 */
import type { Flow } from "@mjflow/core/flow";
import { taskIdOf } from "@mjflow/core/id";
import type { Provider } from "@mjflow/core/port";
import { canPress } from "@mjflow/providers/dialect";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { DIALECTS } from "@mjflow/providers/vendors/index";
import { buttonsOf, pressOf } from "@mjflow/simulator/button";
import { DIALECTS as SIMULATED } from "@mjflow/simulator/dialects/registry";
import type { Task } from "@mjflow/simulator/task";
import { describe, expect, test } from "vitest";
import { createApiClient, OPERATOR } from "../app/api-client.ts";
import { createTestHarness, tokenOf } from "../support/harness.ts";

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const LINK = "https://x.test/a.png";

function clientOf(...ids: string[]) {
  const account = { baseUrl: "http://vendor.test", apiKey: "key" };
  const config: ProvidersConfig = Object.fromEntries(ids.map((id) => [id, account]));
  // Nothing may be sent: every call would be recorded as a failure of the test.
  const httpClient = async () => {
    throw new Error("a request was sent");
  };
  return createApiClient({}, { registry: createProviders(config, { httpClient }) });
}

const create = ({ call }: ReturnType<typeof clientOf>, body: object) =>
  call(OPERATOR, "POST", "/v1/flows", { prompt: "a paper boat", ...body });

async function storedFlows({ call }: ReturnType<typeof clientOf>): Promise<unknown[]> {
  return (await call(OPERATOR, "GET", "/v1/flows")).body.data;
}

describe("a plan with a press that the vendor can never make", () => {
  test.each([
    ["newapi", { action: "describe", base64Array: [PNG], then: [{ press: "describe:1" }] }, "then[0].press"],
    ["newapi", { action: "describe", base64Array: [PNG], then: [{ press: "1️⃣" }] }, "then[0].press"],
    ["newapi", { action: "shorten", then: [{ press: "shorten:2" }] }, "then[0].press"],
    ["newapi", { then: [{ press: "U1", then: [{ press: ["zoom:2", "❤️"] }] }] }, "then[0].then[0].press"],
    // newapi makes a video, and has no customId that selects one of several.
    [
      "newapi",
      { then: [{ press: "U1", then: [{ press: "animate:high", then: [{ press: "U2" }] }] }] },
      "then[0].then[0].then[0].press",
    ],
    ["newapi", { then: [{ press: "U1", then: [{ press: "❤️" }] }] }, "then[0].then[0].press"],
    ["trueai", { action: "shorten", then: [{ press: "shorten:1" }] }, "then[0].press"],
    [
      "midjourney-proxy",
      { action: "describe", base64Array: [PNG], then: [{ press: "describe:all" }] },
      "then[0].press",
    ],
    ["agicto", { then: [{ press: "U1", then: [{ press: "vary:region" }] }] }, "then[0].then[0].press"],
  ])("gets 422 press_unsupported at %s, and nothing is stored", async (provider, body, field) => {
    const client = clientOf(provider, "simulator");
    const answer = await create(client, { provider, ...body });
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: "press_unsupported", field, provider, retry: "never" });
    expect(answer.body.detail).toContain(field);
    expect(answer.body.detail).toContain(provider);
    // No vendor at all can press the heart.
    expect(answer.body.providers).toEqual(answer.body.press === "❤️" ? [] : ["simulator"]);
    expect(await storedFlows(client)).toEqual([]);
  });

  test('goes to a vendor that can make it with "auto", and gets 422 if there is none', async () => {
    const then = [{ press: "U1", then: [{ press: "animate:high", then: [{ press: "video:2" }] }] }];
    const body = { provider: "auto", then };
    const client = clientOf("newapi", "simulator");
    for (let i = 0; i < 12; i++) {
      client.harness.advance(1);
      expect((await create(client, body)).body.provider).toBe("simulator");
    }
    const without = await create(clientOf("newapi"), body);
    expect(without.body).toMatchObject({ code: "press_unsupported", provider: "newapi", providers: [] });
  });

  test("a root does not move to a vendor that cannot make the plan, also after a vendor loss", async () => {
    const harness = createTestHarness({ accounts: { fake: { a: {} }, other: { c: {} }, spare: { d: {} } } });
    const provider = harness.vendor.provider;
    const limited: Provider = {
      ...provider,
      capabilities: { ...provider.capabilities, imageLinks: false, unsupportedPresses: ["zoom"] },
    };
    const { get } = harness.deps.vendors.configured;
    harness.deps.vendors.configured.get = (id) => {
      const vendor = get(id);
      return vendor && id === "other" ? { ...vendor, provider: limited } : vendor;
    };
    const placesOf = async (body: object) => {
      const flow: Flow = await harness.start({ provider: "fake", onVendorLoss: "restart", ...body });
      harness.vendor.next({ kind: "refused", failure: { code: "vendor_unauthorized", message: "" } });
      await harness.drain();
      return (await harness.read(flow)).tasks.get("0")!.provider;
    };
    const seen = new Set<string>();
    for (let i = 0; i < 8; i++) {
      harness.advance(60_000);
      seen.add(await placesOf({ then: [{ press: "U1", then: [{ press: "zoom:2" }] }] }));
      seen.add(await placesOf({ base64Array: [LINK] }));
    }
    expect([...seen]).toEqual(["spare"]);
    harness.advance(60_000);
    const free = new Set<string>();
    for (let i = 0; i < 12; i++) {
      harness.advance(60_000);
      free.add(await placesOf({ then: [{ press: "U1" }] }));
    }
    expect([...free].sort()).toEqual(["other", "spare"]);
  });

  test("a plan below a press gets 422 at the vendor of the task, and the press alone is accepted", async () => {
    const client = clientOf("newapi");
    const { harness } = client;
    const flow = (await create(client, { provider: "newapi" })).body;
    const [row] = (await harness.deps.store.loadFlow(flow.id)).tasks;
    const buttons = [
      { customId: "MJ::JOB::upsample::1::00000000-0000-4000-8000-000000000000", label: "U1", emoji: "" },
    ];
    await harness.deps.store.saveTask({ ...row!, status: "SUCCESS", result: { buttons }, vendorTaskId: "7" });
    const path = `/v1/tasks/${taskIdOf(flow.id, "0")}/actions`;
    const refused = await client.call(OPERATOR, "POST", path, { press: "U1", then: [{ press: "favourite" }] });
    expect(refused.body).toMatchObject({ code: "press_unsupported", field: "then[0].press", press: "favourite" });
    expect((await client.call(OPERATOR, "POST", path, { press: "U1" })).status).toBe(202);
  });
});

describe("image links at a vendor that needs data URIs", () => {
  const BYTES = Buffer.from("89504e470d0a1a0a", "hex");

  test.each([
    ["newapi", { action: "swap-face", sourceBase64: LINK, targetBase64: PNG }],
    ["newapi", { action: "swap-face", sourceBase64: PNG, targetBase64: LINK }],
    ["midjourney-proxy", { base64Array: [PNG, LINK] }],
    ["midjourney-proxy", { action: "describe", base64Array: [LINK] }],
  ])("are fetched for %s and become data URIs", async (provider, body) => {
    const client = clientOf(provider, "simulator");
    const { links, reads } = client.harness.input;
    links.set(LINK, BYTES);
    const { id } = (await create(client, { provider, ...body })).body;
    expect(reads).toEqual([LINK]);
    expect(JSON.stringify(await client.harness.deps.blobs.getInputs(id))).not.toContain(LINK);
    const [root] = (await client.harness.deps.store.loadFlow(id)).tasks;
    expect(root!.linkField).toBeUndefined();
  });

  test("are not fetched with auto while another vendor takes links", async () => {
    const client = clientOf("midjourney-proxy", "simulator");
    const { body } = await create(client, { provider: "auto", base64Array: [LINK] });
    expect(body.provider).toBe("simulator");
    expect(client.harness.input.reads).toEqual([]);
    const [root] = (await client.harness.deps.store.loadFlow(body.id)).tasks;
    expect(root!.linkField).toBe("base64Array[0]");
  });

  test("are fetched with auto if no vendor takes links", async () => {
    const client = clientOf("midjourney-proxy");
    client.harness.input.links.set(LINK, BYTES);
    expect((await create(client, { provider: "auto", base64Array: [LINK] })).status).toBe(202);
    expect(client.harness.input.reads).toEqual([LINK]);
  });

  test.each(["gone", "forbidden", "unavailable"] as const)(
    "that are %s get 422, and nothing is stored",
    async (fault) => {
      const client = clientOf("midjourney-proxy");
      client.harness.input.links.set(LINK, fault);
      const answer = await create(client, { provider: "midjourney-proxy", base64Array: [PNG, LINK] });
      expect(answer.status).toBe(422);
      const retry = fault === "unavailable" ? "later" : "never";
      expect(answer.body).toMatchObject({ code: "image_rejected", field: "base64Array[1]", reason: fault, retry });
      expect(await storedFlows(client)).toEqual([]);
    },
  );

  test("links of other actions and data URIs are accepted at new-api", async () => {
    const client = clientOf("newapi");
    const bodies = [
      { base64Array: [LINK] },
      { action: "describe", base64Array: [LINK] },
      { action: "swap-face", sourceBase64: PNG, targetBase64: PNG },
    ];
    for (const body of bodies) expect((await create(client, { provider: "newapi", ...body })).status).toBe(202);
    expect(client.harness.input.reads).toEqual([]);
  });

  test("the compat API answers code 4 with the field", async () => {
    const client = clientOf("newapi");
    const call = (path: string, body: object) => client.call(OPERATOR, "POST", path, body);
    const answer = await call("/mj/insight-face/swap", { sourceBase64: LINK, targetBase64: PNG });
    expect([answer.status, answer.body.code]).toEqual([200, 4]);
    expect(answer.body.description).toContain("sourceBase64");
  });
});

describe("buttons", () => {
  const RESULTS = ["grid", "single", "video", "describe", "shorten"] as const;
  const jobId = "00000000-0000-4000-8000-000000000000";
  /** Every button that the simulated vendors show, in all models. */
  const every = new Set(
    RESULTS.flatMap((result) =>
      (["v6", "v6+video", "v7"] as const).flatMap((row) =>
        [0, 1].flatMap((index) => {
          const task = { status: "SUCCESS", result, index, jobId } as unknown as Task;
          return buttonsOf(task, row, 1).map(({ customId }) => customId);
        }),
      ),
    ),
  );
  const isRefused = (id: string, customId: string) => {
    const dialect = SIMULATED[id as keyof typeof SIMULATED];
    const press = pressOf(customId);
    return !press || (press.all === true && !dialect.imagineAll) || dialect.refusesPress(customId);
  };

  test.each([...DIALECTS.keys()])("of %s are left out only if the vendor refuses them", (id) => {
    const dialect = DIALECTS.get(id)!;
    const missing = [...every].filter((customId) => !canPress(dialect, customId));
    const canModal = dialect.operations.includes("modal");
    for (const customId of missing) {
      const needsModal = /Inpaint|CustomZoom/.test(customId);
      expect([customId, isRefused(id, customId) || (needsModal && !canModal)]).toEqual([customId, true]);
    }
  });

  test.each(["newapi", "trueai", "midjourney-proxy", "simulator"])(
    "of %s are left out if the vendor refuses them",
    (id) => {
      const shown = [...every].filter((customId) => canPress(DIALECTS.get(id)!, customId));
      expect(shown.filter((customId) => isRefused(id, customId))).toEqual([]);
    },
  );

  test("that the vendor can never press are not shown with the task, and pressing one gets 422 with the others", async () => {
    const client = clientOf("newapi");
    const { harness } = client;
    const flow = (await create(client, { provider: "newapi" })).body;
    const task = (await harness.deps.store.loadFlow(flow.id)).tasks[0]!;
    const notifyHook = harness.deps.callbackTokens.url({
      flowId: flow.id,
      path: "0",
      attempt: 1,
      provider: "newapi",
      account: "default",
      expiresAt: harness.deps.clock.now() + 60_000,
      progress: false,
      calling: false,
    });
    await harness.deps.store.saveTask({ ...task, status: "SUBMITTED", attempt: 1, vendorTaskId: "7", submittedAt: 1 });
    const buttons = ["animate_high", "upsample"].map((verb) => ({
      customId: `MJ::JOB::${verb}::1::${jobId}`,
      label: verb,
    }));
    const body = JSON.stringify({ id: "7", status: "SUCCESS", imageUrl: LINK, buttons });
    await harness.postRaw(tokenOf({ context: { notifyHook } } as Parameters<typeof tokenOf>[0]), body);
    const shown = (await client.call(OPERATOR, "GET", `/v1/tasks/${taskIdOf(flow.id, "0")}`)).body.buttons;
    expect(shown.map(({ label }: { label: string }) => label)).toEqual(["upsample"]);
    const path = `/v1/tasks/${taskIdOf(flow.id, "0")}/actions`;
    const pressed = await client.call(OPERATOR, "POST", path, { press: "animate:high" });
    expect(pressed.body).toMatchObject({ code: "press_not_offered", offered: ["upsample"] });
  });
});
