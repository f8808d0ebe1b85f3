/**
 * Uploads: an image that an app sent to the bucket is usable wherever a request takes an image, in the form that the vendor
 * reads. What cannot be used is rejected before anything is stored or paid.
 */
import { taskIdOf } from "@mjflow/core/id";
import { UPLOAD, uploadKeyOf } from "@mjflow/core/upload";
import { createProviders, type ProvidersConfig } from "@mjflow/providers/registry";
import { ATTRIBUTE } from "@mjflow/store/keys";
import { describe, expect, test } from "vitest";
import { type ApiClient, createApiClient, FLOW, OPERATOR } from "./api-client.ts";

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
const JPEG = Buffer.from("ffd8ffe000104a464946", "hex");
const HEIC = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypheic\0\0\0\0mif1heic", "latin1")]);
const LINK = "https://x.test/a.png";
const data = (bytes: Buffer, type = "image/png") => `data:${type};base64,${bytes.toString("base64")}`;

/** @param ids real dialects; unset: the scripted vendor of the harness, which takes links */
function clientOf(ids: readonly string[] = [], baseUrl = "https://vendor.test") {
  const config: ProvidersConfig = Object.fromEntries(ids.map((id) => [id, { baseUrl, apiKey: "key" }]));
  const httpClient = async () => {
    throw new Error("a request was sent");
  };
  const registry = ids.length > 0 ? { registry: createProviders(config, { httpClient }) } : {};
  return createApiClient({ apiUrl: "https://api.test" }, registry);
}

/** Announces an upload, and puts an image where the presigned URL would. */
async function send(
  client: ApiClient,
  bytes: Buffer,
  { contentType = "image/png", key = OPERATOR, app = "app_default" } = {},
): Promise<string> {
  const { body } = await client.call(key, "POST", "/v1/uploads", { contentType, bytes: bytes.length });
  const storedAt = client.harness.deps.clock.now();
  client.harness.input.uploads.set(uploadKeyOf(app, body.id), { contentType, bytes, storedAt });
  return body.id;
}

const create = (client: ApiClient, body: object, key = OPERATOR) =>
  client.call(key, "POST", "/v1/flows", { prompt: "a boat", provider: "fake", ...body });

const inputsOf = async ({ harness }: ApiClient, flowId: string) => harness.deps.blobs.getInputs(flowId);

/** A large PNG without its pixels. */
function large(bytes: number): Buffer {
  return Buffer.concat([PNG, Buffer.alloc(bytes - PNG.length)]);
}

describe("an upload", () => {
  test("has an id, and a presigned URL that is bound to its type and size", async () => {
    const client = clientOf();
    const { status, body } = await client.call(OPERATOR, "POST", "/v1/uploads", {
      contentType: "image/webp",
      bytes: 41_943_040,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ method: "PUT", headers: { "Content-Type": "image/webp" }, bytes: 41_943_040 });
    expect(body.url).toContain(`/uploads/app_default/${body.id}`);
    expect(body.url).toContain("bytes=41943040");
    expect(Date.parse(body.expiresAt)).toBe(client.harness.deps.clock.now() + UPLOAD.urlS * 1_000);
  });

  test.each([
    [{ contentType: "image/heic", bytes: 9 }, "contentType"],
    [{ contentType: "image/png", bytes: UPLOAD.bytes + 1 }, "bytes"],
    [{ contentType: "image/png", bytes: 0 }, "bytes"],
    [{ contentType: "image/png" }, "bytes"],
  ])("of %j gets 400 with the field", async (request, field) => {
    const { status, body } = await clientOf().call(OPERATOR, "POST", "/v1/uploads", request);
    expect([status, body.code, body.field]).toEqual([400, "invalid_request", field]);
  });

  test("of the operator costs no write to the table", async () => {
    const client = clientOf();
    const before = JSON.stringify(client.harness.dump());
    await client.call(OPERATOR, "POST", "/v1/uploads", { contentType: "image/png", bytes: 9 });
    expect(JSON.stringify(client.harness.dump())).toBe(before);
  });
});

describe("uploads of one hour", () => {
  const announce = (client: ApiClient, key: string, bytes: number) =>
    client.call(key, "POST", "/v1/uploads", { contentType: "image/png", bytes });
  /** Announces an upload again and again. Returns the numbers of accepted and of refused ones. */
  async function repeated(client: ApiClient, key: string, bytes: number, times: number) {
    const statuses: number[] = [];
    for (let n = 0; n < times; n++) statuses.push((await announce(client, key, bytes)).status);
    return [statuses.filter((status) => status === 201).length, statuses.filter((status) => status === 429).length];
  }

  test("are refused above their number with the time to wait, and the next hour has room again", async () => {
    const client = clientOf();
    const { key } = await client.join("shop");
    client.harness.advance(UPLOAD.hourMs - (client.harness.deps.clock.now() % UPLOAD.hourMs) + 60_000);
    const most = UPLOAD.uploadsPerHour;
    expect(await repeated(client, key, 9, most + 2)).toEqual([most, 2]);
    const refused = await announce(client, key, 9);
    expect([refused.status, refused.body.code]).toEqual([429, "too_many_uploads"]);
    expect(refused.headers.get("retry-after")).toBe("3540");
    client.harness.advance(3_540_000);
    expect((await announce(client, key, 9)).status).toBe(201);
  });

  test("are refused above their sum of bytes, a smaller one still fits, and other apps and the operator are not limited", async () => {
    const client = clientOf();
    const { key } = await client.join("shop");
    const fits = Math.floor(UPLOAD.bytesPerHour / UPLOAD.bytes);
    expect(await repeated(client, key, UPLOAD.bytes, fits + 3)).toEqual([fits, 3]);
    expect((await announce(client, key, UPLOAD.bytesPerHour - fits * UPLOAD.bytes)).status).toBe(201);
    expect((await announce(client, key, 1)).status).toBe(429);
    expect((await announce(client, (await client.join("another")).key, UPLOAD.bytes)).status).toBe(201);
    expect(await repeated(client, OPERATOR, UPLOAD.bytes, fits + 3)).toEqual([fits + 3, 0]);
  });

  test("are no longer stored when their hour is over", async () => {
    const client = clientOf();
    const { key } = await client.join("shop");
    await announce(client, key, 9);
    const row = client.harness.dump().items.find((item) => item["pk"]?.S?.startsWith("uploads#"))!;
    const ends = Number(row[ATTRIBUTE.expiresAt]!.N) * 1_000 - client.harness.deps.clock.now();
    expect(ends).toBeGreaterThan(UPLOAD.hourMs);
    expect(ends).toBeLessThanOrEqual(2 * UPLOAD.hourMs);
  });
});

describe("a vendor that takes links gets a link of ours to an upload", () => {
  test("the link has no query, ends like an image, and redirects to the object", async () => {
    const client = clientOf();
    const upload = await send(client, large(40 * 1024 * 1024));
    const { status, body } = await create(client, { base64Array: [upload, LINK] });
    expect(status).toBe(202);
    const [link, other] = (await inputsOf(client, body.id))!.base64Array!;
    expect(link).toMatch(/^https:\/\/api\.test\/uploads\/app_default\/upload_\w{26}\/[\w-]{22}\.png$/);
    expect(other).toBe(LINK);
    expect(client.harness.input.reads).toEqual([]);
    const answer = await client.call("", "GET", new URL(link!).pathname);
    expect(answer.status).toBe(302);
    expect(answer.headers.get("location")).toBe(`https://bucket.test/${uploadKeyOf("app_default", upload)}`);
  });

  test.each([
    ["describe", { action: "describe", base64Array: ["UPLOAD"] }],
    ["blend", { action: "blend", base64Array: ["UPLOAD", "UPLOAD"] }],
    ["swap-face", { action: "swap-face", sourceBase64: "UPLOAD", targetBase64: "UPLOAD" }],
    ["video", { action: "video", image: "UPLOAD", endImage: "UPLOAD" }],
    ["retexture", { action: "retexture", image: "UPLOAD" }],
  ])("in %s, too", async (_, body) => {
    const client = clientOf(["trueai"]);
    const upload = await send(client, PNG);
    const request = JSON.parse(JSON.stringify(body).replaceAll("UPLOAD", upload));
    const answer = await create(client, { provider: "trueai", ...request });
    expect(answer.status).toBe(202);
    const inputs = JSON.stringify(await inputsOf(client, answer.body.id));
    expect(inputs).toContain("https://api.test/uploads/");
    expect(inputs).not.toContain("data:");
  });

  test("a link with a wrong signature, of another key or of an archived image gets 404", async () => {
    const client = clientOf();
    const links = client.harness.deps.mediaLinks("");
    const key = uploadKeyOf("app_default", await send(client, PNG));
    const [path, signature] = [links.uploadUrl(key, "png"), links.url(key).split("?s=")[1]];
    for (const wrong of [`/${key}/${signature}.png`, path.replace("app_default", "app_other"), `/${key}/x.png`]) {
      expect((await client.call("", "GET", wrong)).status).toBe(404);
    }
    expect((await client.call("", "GET", path)).status).toBe(302);
  });

  test("a vendor elsewhere gets a data URI if this server is only reachable on its own machine", async () => {
    const config = { cometapi: { baseUrl: "https://vendor.test", apiKey: "key" } };
    const registry = createProviders(config, { httpClient: async () => ({ kind: "unsent", reason: "test" }) as never });
    const client = createApiClient({ apiUrl: "http://127.0.0.1:4600" }, { registry });
    const upload = await send(client, PNG);
    const { body } = await create(client, { provider: "cometapi", base64Array: [upload] });
    expect((await inputsOf(client, body.id))!.base64Array).toEqual([data(PNG)]);
    const answer = await create(client, {
      provider: "cometapi",
      base64Array: [await send(client, large(6 * 1024 * 1024))],
    });
    expect(answer.body.reducedImages).toHaveLength(1);
  });
});

describe("a vendor that takes no links", () => {
  const AT = { provider: "midjourney-proxy" };

  test("gets an upload of up to 5 MB as a data URI of the same bytes", async () => {
    const client = clientOf(["midjourney-proxy"]);
    const bytes = large(UPLOAD.dataBytes);
    const { status, body } = await create(client, { ...AT, base64Array: [await send(client, bytes)] });
    expect(status).toBe(202);
    const [image] = (await inputsOf(client, body.id))!.base64Array!;
    expect(image!.startsWith("data:image/png;base64,")).toBe(true);
    expect(Buffer.from(image!.split(",")[1]!, "base64").equals(bytes)).toBe(true);
  });

  test("gets a 40 MB upload scaled down, and the flow says so", async () => {
    const client = clientOf(["midjourney-proxy"]);
    const upload = await send(client, large(40 * 1024 * 1024));
    const { status, body } = await create(client, { ...AT, base64Array: [upload] });
    expect(status).toBe(202);
    const [image] = (await inputsOf(client, body.id))!.base64Array!;
    expect(image!.startsWith("data:image/jpeg;base64,")).toBe(true);
    const reduced = {
      field: "base64Array[0]",
      contentType: "image/jpeg",
      bytes: expect.any(Number),
      width: 2048,
      height: 1536,
      originalBytes: 41_943_040,
      originalWidth: 8000,
      originalHeight: 6000,
    };
    expect(body.reducedImages).toEqual([reduced]);
    expect(body.reducedImages[0].bytes).toBe(Buffer.from(image!.split(",")[1]!, "base64").length);
    expect((await client.call(OPERATOR, "GET", `/v1/flows/${body.id}`)).body.reducedImages).toEqual([reduced]);
    const rerun = await client.call(OPERATOR, "POST", `/v1/flows/${body.id}/rerun`, { prompt: "a barn" });
    expect(rerun.body.reducedImages).toEqual([reduced]);
    const other = await client.call(OPERATOR, "POST", `/v1/flows/${body.id}/rerun`, { base64Array: [data(PNG)] });
    expect(other.body.reducedImages).toEqual([]);
  });

  test("is not chosen by auto if another one takes links, which gets every byte", async () => {
    const client = clientOf(["midjourney-proxy", "simulator"]);
    const upload = await send(client, large(40 * 1024 * 1024));
    const { body } = await create(client, { provider: "auto", base64Array: [upload] });
    expect([body.provider, body.reducedImages]).toEqual(["simulator", []]);
    expect(client.harness.input.reductionsMade).toEqual([]);
  });

  test("gets the largest of several images scaled down, each upload once, until all fit", async () => {
    const client = clientOf(["midjourney-proxy"]);
    const [small, large3, large4] = [
      await send(client, large(1024 * 1024)),
      await send(client, large(3 * 1024 * 1024)),
      await send(client, large(4 * 1024 * 1024)),
    ];
    const sent = [small, large4, large3];
    const { body } = await create(client, { ...AT, base64Array: sent });
    expect(body.reducedImages.map(({ field }: { field: string }) => field)).toEqual(["base64Array[1]"]);
    expect((await inputsOf(client, body.id))!.base64Array!.map((uri) => uri.slice(0, 15))).toEqual([
      "data:image/png;",
      "data:image/jpeg",
      "data:image/png;",
    ]);
    const blend = await create(client, { ...AT, action: "blend", base64Array: [large4, large4] });
    expect(blend.body.reducedImages.map(({ field }: { field: string }) => field)).toEqual([
      "base64Array[0]",
      "base64Array[1]",
    ]);
    expect(client.harness.input.reductionsMade).toHaveLength(1);
  });

  test.each([
    ["not_media", "broken"],
    ["too_large", "too_large"],
    ["unavailable", "unavailable"],
  ] as const)("refuses an image whose scaling down ends with %s before anything is stored", async (code, reason) => {
    const client = clientOf(["midjourney-proxy"]);
    const upload = await send(client, large(6 * 1024 * 1024));
    client.harness.input.reductions.set(uploadKeyOf("app_default", upload), code);
    const { status, body } = await create(client, { ...AT, base64Array: [upload] });
    expect([status, body.code, body.reason, body.field]).toEqual([422, "image_rejected", reason, "base64Array[0]"]);
    expect(body.retry).toBe(code === "unavailable" ? "later" : "never");
    expect((await client.call(OPERATOR, "GET", "/v1/flows")).body.data).toEqual([]);
  });

  test("does not get an image with a mask scaled down, because the mask would mark another region", async () => {
    const client = clientOf(["midjourney-proxy", "cometapi"], "http://127.0.0.1:9");
    const [image, maskBase64] = [await send(client, large(6 * 1024 * 1024)), await send(client, PNG)];
    const edit = { action: "edit", image, maskBase64, prompt: "a sail" };
    const config = { cometapi: { baseUrl: "https://vendor.test", apiKey: "key" } };
    const registry = createProviders(config, { httpClient: async () => ({ kind: "unsent", reason: "test" }) as never });
    const local = createApiClient({ apiUrl: "http://127.0.0.1:4600" }, { registry });
    const own = { ...edit, image: await send(local, large(6 * 1024 * 1024)), maskBase64: await send(local, PNG) };
    const { status, body } = await create(local, { ...own, provider: "cometapi" });
    expect([status, body.reason, body.field]).toEqual([422, "too_large", "image"]);
    expect(body.detail).toContain("the mask would mark another region");
    expect(local.harness.input.reductionsMade).toEqual([]);
    // A vendor that takes links gets both as they are.
    const links = await create(client, { ...edit, provider: "cometapi" });
    expect([links.status, links.body.reducedImages]).toEqual([202, []]);
  });

  test("gets at most 5 MB of links, which are not scaled down", async () => {
    const client = clientOf(["midjourney-proxy"]);
    client.harness.input.links.set(LINK, large(6 * 1024 * 1024));
    const { body } = await create(client, { ...AT, base64Array: [LINK] });
    expect(body).toMatchObject({ reason: "too_large", field: "base64Array[0]", limitBytes: UPLOAD.dataBytes });
    expect(body.detail).toContain("Upload the image");
  });

  test("gets an upload scaled down into the room that links and data URIs leave", async () => {
    const client = clientOf(["midjourney-proxy"]);
    client.harness.input.links.set(LINK, large(3 * 1024 * 1024));
    const upload = await send(client, large(3 * 1024 * 1024));
    const { body } = await create(client, { ...AT, base64Array: [upload, LINK] });
    expect(body.reducedImages.map(({ field }: { field: string }) => field)).toEqual(["base64Array[0]"]);
  });
});

describe("an upload that cannot be used gets 422 with field and reason, and nothing is stored", () => {
  async function rejection(client: ApiClient, request: object, key = OPERATOR) {
    const { status, body } = await create(client, request, key);
    expect([status, body.code]).toEqual([422, "image_rejected"]);
    expect((await client.call(key, "GET", "/v1/flows")).body.data).toEqual([]);
    return body;
  }

  test("never sent", async () => {
    const client = clientOf();
    const { body } = await client.call(OPERATOR, "POST", "/v1/uploads", { contentType: "image/png", bytes: 9 });
    expect(await rejection(client, { base64Array: [LINK, body.id] })).toMatchObject({
      reason: "not_sent",
      field: "base64Array[1]",
    });
  });

  test("of another app", async () => {
    const client = clientOf();
    const [owner, stranger] = [await client.join("owner"), await client.join("stranger")];
    const upload = await send(client, PNG, { key: owner.key, app: owner.id });
    expect(await rejection(client, { base64Array: [upload] }, stranger.key)).toMatchObject({ reason: "not_sent" });
    expect((await create(client, { base64Array: [upload] }, owner.key)).status).toBe(202);
  });

  test("older than 7 days", async () => {
    const client = clientOf();
    const upload = await send(client, PNG);
    client.harness.advance(UPLOAD.usableMs);
    expect((await create(client, { base64Array: [upload] })).status).toBe(202);
    client.harness.advance(1);
    const { body } = await create(client, { base64Array: [upload] });
    expect(body).toMatchObject({ code: "image_rejected", reason: "expired" });
  });

  test("a HEIC, whatever it was announced as", async () => {
    const client = clientOf();
    const upload = await send(client, HEIC, { contentType: "image/jpeg" });
    const body = await rejection(client, { base64Array: [upload] });
    expect(body).toMatchObject({ reason: "wrong_type", found: "HEIC" });
    expect(body.detail).toContain("Send a PNG, JPEG, WebP or GIF");
  });

  test("another type than it was announced as", async () => {
    const client = clientOf();
    const upload = await send(client, JPEG, { contentType: "image/png" });
    expect(await rejection(client, { base64Array: [upload] })).toMatchObject({ reason: "wrong_type" });
  });

  test("a mask that is no PNG", async () => {
    const client = clientOf(["cometapi"]);
    const [image, mask] = [await send(client, PNG), await send(client, JPEG, { contentType: "image/jpeg" })];
    const request = { provider: "cometapi", action: "edit", image, maskBase64: mask };
    expect(await rejection(client, request)).toMatchObject({ reason: "wrong_type", field: "maskBase64" });
  });
});

describe("data URIs", () => {
  test.each([
    ["HEIC bytes", data(HEIC, "image/png"), "HEIC"],
    ["a HEIC type", data(Buffer.from("unknown bytes"), "image/heic"), "image/heic"],
    ["an SVG", data(Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>"), "image/svg+xml"), "SVG"],
  ])("with %s get 422 before anything is stored", async (_, uri, found) => {
    const client = clientOf();
    const { status, body } = await create(client, { base64Array: [uri] });
    expect([status, body.code, body.reason, body.found]).toEqual([422, "image_rejected", "wrong_type", found]);
  });

  test("with an accepted type and unknown bytes are left to the vendor", async () => {
    expect((await create(clientOf(), { base64Array: [data(Buffer.from("unknown bytes"))] })).status).toBe(202);
  });
});

describe("masks are data URIs for every vendor", () => {
  test("in a root and in its plan", async () => {
    const client = clientOf(["cometapi"]);
    const [image, mask] = [await send(client, PNG), await send(client, PNG)];
    const plan = [{ press: "U1", then: [{ press: "vary:region", modal: { prompt: "x", maskBase64: mask } }] }];
    const request = { provider: "cometapi", action: "edit", image, maskBase64: mask, then: plan };
    const { status, body } = await create(client, request);
    expect(status).toBe(202);
    const inputs = await inputsOf(client, body.id);
    expect(inputs).toMatchObject({ maskBase64: data(PNG), masks: [data(PNG)] });
    expect(inputs!.image).toMatch(/^https:\/\/api\.test\/uploads\//);
  });

  test("of a press and of a modal answer", async () => {
    const client = clientOf();
    const { body: flow } = await client.call(OPERATOR, "POST", "/v1/flows", FLOW);
    await client.harness.finishAll();
    client.harness.vendor.next(({ id }) => ({ kind: "modal", vendorTaskId: id }));
    const mask = await send(client, PNG);
    const root = taskIdOf(flow.id, "0");
    const press = { press: "V1", then: [{ press: "vary:region", modal: { maskBase64: mask } }] };
    const { body: child } = await client.call(OPERATOR, "POST", `/v1/tasks/${root}/actions`, press);
    await client.harness.drain();
    const answered = await client.call(OPERATOR, "POST", `/v1/tasks/${child.id}/modal`, { maskBase64: mask });
    expect(answered.status).toBe(202);
    await client.harness.drain();
    expect(client.harness.vendor.calls.at(-1)).toMatchObject({ kind: "modal", mask: data(PNG) });
    const again = await client.call(OPERATOR, "POST", `/v1/tasks/${child.id}/modal`, { maskBase64: mask });
    expect(again.status).toBe(202);
  });
});

test("a repeated request with the same key reads no image again", async () => {
  const client = clientOf(["midjourney-proxy"]);
  const upload = await send(client, PNG);
  const again = () =>
    client.call(
      OPERATOR,
      "POST",
      "/v1/flows",
      { prompt: "a boat", provider: "midjourney-proxy", base64Array: [upload] },
      { "idempotency-key": "k1" },
    );
  const first = await again();
  client.harness.input.uploads.clear();
  const second = await again();
  expect([second.status, second.body.id]).toEqual([202, first.body.id]);
});
