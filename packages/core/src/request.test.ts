import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BANNED, MAX_RUNNING, REQUEST } from "./limit.ts";
import {
  AccountPatch,
  AccountRequest,
  ActionRequest,
  BannedRequest,
  DeliveryListQuery,
  EndpointPatch,
  EndpointRequest,
  FlowListQuery,
  FlowRequest,
  isHttpUrl,
  ModalRequest,
  PageQuery,
  ReplayRequest,
  RotateRequest,
} from "./request.ts";
import { fieldOf, isShallow } from "./request-body.ts";

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const flow = { provider: "sim", prompt: "a cat" };

/** Returns the field of the first error in the notation of an app, or undefined if the request is valid. */
function invalidField(
  body: unknown,
  schema: typeof FlowRequest | typeof ActionRequest | typeof ModalRequest = FlowRequest,
) {
  const read = schema.safeParse(body);
  return read.success ? undefined : fieldOf(read.error.issues[0]!.path);
}

describe("field of a validation error", () => {
  it.each([
    [{ prompt: "x", provider: "" }, "provider"],
    [{ provider: "sim" }, "prompt"],
    [{ ...flow, prompt: "  " }, "prompt"],
    [{ ...flow, then: [{ press: "U1" }, { press: 7 }] }, "then[1].press"],
    [{ ...flow, then: [{ press: [] }] }, "then[0].press"],
    [{ ...flow, then: [{ press: "U1", then: [{ press: "" }] }] }, "then[0].then[0].press"],
    [{ ...flow, then: [{ press: "U1", modal: { maskBase64: "nonsense" } }] }, "then[0].modal.maskBase64"],
    [{ ...flow, base64Array: [PNG, "nonsense"] }, "base64Array[1]"],
    [{ ...flow, accountFilter: { modes: ["FAST", "WARP"] } }, "accountFilter.modes[1]"],
    [{ ...flow, notifyHook: "ftp://x/y" }, "notifyHook"],
    [{ ...flow, notifyHook: "https://user:pw@x/y" }, "notifyHook"],
    [{ ...flow, notifyHook: `https://x/${"y".repeat(REQUEST.urlLength)}` }, "notifyHook"],
    [{ provider: "sim", action: "blend", base64Array: [PNG] }, "base64Array"],
    [{ provider: "sim", action: "blend", base64Array: Array(6).fill(PNG) }, "base64Array"],
    [{ provider: "sim", action: "describe" }, "base64Array"],
    [{ provider: "sim", action: "swap-face", sourceBase64: PNG }, "targetBase64"],
    [{ provider: "sim", action: "swap-face", targetBase64: PNG }, "sourceBase64"],
    [{ ...flow, action: "upscale" }, "action"],
    [{ action: "video" }, "image"],
    [{ action: "video", image: "nonsense" }, "image"],
    [{ action: "video", image: PNG, endImage: "nonsense" }, "endImage"],
    [{ action: "video", image: PNG, motion: "wild" }, "motion"],
    [{ action: "video", image: PNG, batchSize: 3 }, "batchSize"],
    [{ action: "video", image: PNG, videoType: "480p" }, "videoType"],
    [{ action: "video", image: PNG, videoType: "vid_1 or 2" }, "videoType"],
    [{ action: "video", image: PNG, videoType: `vid_${"1".repeat(61)}` }, "videoType"],
    [{ action: "video", image: PNG, base64Array: [PNG] }, "base64Array"],
    [{ action: "video", image: PNG, maskBase64: PNG }, "maskBase64"],
    [{ action: "video", image: PNG, loop: true, endImage: PNG }, "loop"],
    [{ action: "video", image: PNG, mode: "turbo" }, "mode"],
    [{ action: "video", image: PNG, mode: "fast", prompt: "waves --turbo" }, "mode"],
    [{ action: "video", image: PNG, accountFilter: { modes: ["TURBO"] } }, "mode"],
    [{ action: "edit", image: PNG }, "prompt"],
    [{ action: "edit", prompt: "x" }, "image"],
    [{ action: "edit", prompt: "x", image: PNG, motion: "low" }, "motion"],
    [{ action: "edit", prompt: "x", image: PNG, maskBase64: "https://x.test/mask.png" }, "maskBase64"],
    [{ action: "retexture", image: PNG, prompt: " " }, "prompt"],
    [{ action: "retexture", image: PNG, prompt: "x", maskBase64: PNG }, "maskBase64"],
    [{ ...flow, image: PNG }, "image"],
    [{ ...flow, action: "blend", base64Array: [PNG, PNG], endImage: PNG }, "endImage"],
    [{ ...flow, loop: true }, "loop"],
    [{ ...flow, batchSize: 4 }, "batchSize"],
    [{ ...flow, videoType: "vid_1" }, "videoType"],
  ])("the request %j is rejected at %s", (body, field) => expect(invalidField(body)).toBe(field));

  it.each([
    { action: "video", image: PNG },
    { action: "video", image: "https://x.test/a.png", endImage: PNG, motion: "high", batchSize: 1 },
    { action: "video", image: PNG, loop: false, endImage: PNG, prompt: "waves --fast", mode: "turbo" },
    { action: "video", image: PNG, loop: true, videoType: "vid_1.1_i2v_720", mode: "relax" },
    { action: "video", image: PNG, accountFilter: { modes: ["TURBO", "FAST"] } },
    { action: "video", image: PNG, mode: "fast", accountFilter: { modes: ["TURBO"] } },
    { action: "edit", image: PNG, prompt: "x", maskBase64: PNG, mode: "turbo" },
    { action: "retexture", image: "https://x.test/a.png", prompt: "x" },
  ])("the request %j is valid", (body) => expect(invalidField(body)).toBeUndefined());

  it("the message about a field of another action names the actions that have it", () => {
    const read = FlowRequest.safeParse({ ...flow, image: PNG });
    expect(read.error!.issues[0]!.message).toBe("is not a field of imagine, but of video, edit, retexture");
  });

  it("an unknown field is rejected, so that a misspelled notifyHook is noticed", () => {
    for (const extra of [{ notifyhook: "https://x" }, JSON.parse('{"__proto__": {"provider": "x"}}')]) {
      const read = FlowRequest.safeParse(Object.assign(Object.create(null), flow, extra));
      if (Object.keys(extra)[0] === "notifyhook") expect(read.success).toBe(false);
      else if (read.success) expect(({} as Record<string, unknown>)["provider"]).toBeUndefined();
    }
  });

  it("valid requests of every action are accepted", () => {
    for (const body of [
      flow,
      { ...flow, action: "shorten" },
      { provider: "sim", action: "blend", base64Array: [PNG, "https://x/1.png"], dimensions: "SQUARE" },
      { provider: "sim", action: "describe", base64Array: [PNG] },
      { provider: "sim", action: "swap-face", sourceBase64: PNG, targetBase64: PNG },
      { ...flow, notifyHook: "https://app.example/hook?x=1", progress: true, then: [{ press: "upscale:all" }] },
    ]) {
      expect(invalidField(body)).toBeUndefined();
    }
  });

  it("a press by the app needs either press or customId, and not both", () => {
    expect(invalidField({}, ActionRequest)).toBe("press");
    expect(invalidField({ press: "U1", customId: "x" }, ActionRequest)).toBe("press");
    expect(invalidField({ customId: "MJ::x" }, ActionRequest)).toBeUndefined();
    expect(invalidField({ prompt: "p", maskBase64: PNG }, ModalRequest)).toBeUndefined();
  });

  it("for arbitrary values, validation rejects and never throws", () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect(FlowRequest.safeParse(body).success).toBe(false);
        expect(ActionRequest.safeParse(body).success || true).toBe(true);
      }),
    );
  });
});

describe("state (T5)", () => {
  const cat = "🐈";

  it("a state of the maximum size is accepted byte for byte, and one byte more is rejected; an emoji has four bytes", () => {
    const full = cat.repeat(REQUEST.stateBytes / 4);
    const read = FlowRequest.parse({ ...flow, state: full });
    expect(read.state).toBe(full);
    expect(invalidField({ ...flow, state: `${full}x` })).toBe("state");
  });

  it("a state can be empty and is neither trimmed nor normalised", () => {
    for (const state of ["", "  ", "e\u0301 \u0000\n", '{"a":1}']) {
      expect(FlowRequest.parse({ ...flow, state }).state).toBe(state);
    }
  });

  it.each(["\ud83d", "a\udc08b", "\udc08\ud83d"])(
    "a state with a lone surrogate (%j) is rejected, because it cannot be stored",
    (state) => {
      expect(invalidField({ ...flow, state })).toBe("state");
    },
  );

  it("for any well-formed text within the limit, the state is returned unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (state) => {
        fc.pre(state.isWellFormed());
        expect(FlowRequest.parse({ ...flow, state }).state).toBe(state);
      }),
    );
  });
});

describe("message of a validation error", () => {
  const errorOf = (body: unknown, schema: typeof FlowRequest | typeof ActionRequest = FlowRequest) => {
    const { code, message } = schema.safeParse(body).error!.issues[0]!;
    return { code, message };
  };

  it.each([
    [{ provider: "sim" }, "is required"],
    [{ provider: "sim", action: "shorten" }, "is required"],
    [{ provider: "sim", action: "swap-face", targetBase64: PNG }, "is required"],
    [{ provider: "sim", action: "swap-face", sourceBase64: PNG }, "is required"],
    [{ provider: "sim", action: "blend" }, "must contain 2 to 5 images for blend"],
    [{ provider: "sim", action: "describe" }, "must contain exactly one image for describe"],
    [{ ...flow, prompt: "\ud83d" }, "must be well-formed Unicode"],
    [{ ...flow, sourceBase64: "x" }, "must be a data URI of an image, an http(s) link, or the id of an upload"],
    [
      { ...flow, then: [{ press: "U1", modal: { maskBase64: "x" } }] },
      "must be a data URI of a PNG, or the id of an upload; white areas are regenerated, black areas are kept",
    ],
    [{ ...flow, then: [{ press: 7 }] }, "must be a button's label or name, or a list of them"],
    [{ ...flow, state: "x".repeat(REQUEST.stateBytes + 1) }, `must be at most ${REQUEST.stateBytes} bytes of UTF-8`],
    [{ ...flow, notifyHook: "ftp://x" }, "must be an http(s) URL without user name and password"],
  ])("the error for %j is '%s'", (body, message) => expect(errorOf(body).message).toBe(message));

  it("errors of the whole request have the same form as errors of a field", () => {
    expect(errorOf({ provider: "sim" })).toEqual({ code: "custom", message: "is required" });
    expect(errorOf({}, ActionRequest)).toEqual({
      code: "custom",
      message: "must be set if customId is not set, and only then",
    });
  });
});

describe("enumerated values", () => {
  it.each([
    ["mode", ["fast", "relax", "turbo"]],
    ["botType", ["MID_JOURNEY", "NIJI_JOURNEY"]],
    ["dimensions", ["PORTRAIT", "SQUARE", "LANDSCAPE"]],
    ["resubmit", ["after-grace", "never"]],
    ["onVendorLoss", ["end", "restart"]],
  ])("%s accepts only the values %j", (field, values) => {
    for (const value of values) expect(invalidField({ ...flow, [field]: value }), value).toBeUndefined();
    for (const other of ["", "x", null]) expect(invalidField({ ...flow, [field]: other })).toBe(field);
  });

  it("the modes of an account filter are RELAX, FAST and TURBO in any order", () => {
    expect(invalidField({ ...flow, accountFilter: { modes: ["TURBO", "RELAX", "FAST"] } })).toBeUndefined();
    expect(invalidField({ ...flow, accountFilter: { modes: [""] } })).toBe("accountFilter.modes[0]");
  });
});

describe("images and masks", () => {
  const swap = (sourceBase64: string) =>
    invalidField({ provider: "sim", action: "swap-face", sourceBase64, targetBase64: PNG });
  const masked = (maskBase64: string) => invalidField({ maskBase64 }, ModalRequest);

  it("an image or mask can be a data URI with or without line breaks, but only an image can be a link", () => {
    for (const good of [PNG, "data:image/svg+xml;base64,AAAA\nBBBB\n"]) {
      expect([swap(good), masked(good)]).toEqual([undefined, undefined]);
    }
    expect([swap("https://x/1.png"), masked("https://x/1.png")]).toEqual([undefined, "maskBase64"]);
  });

  it("a data URI with other text before, after or within it is rejected", () => {
    for (const bad of [`x${PNG}`, `${PNG}<script>`, "data:image/png;base64,AA*A", "data:text/html;base64,AAAA"]) {
      expect([swap(bad), masked(bad)], bad).toEqual(["sourceBase64", "maskBase64"]);
    }
  });

  it("a blend needs two to five images", () => {
    const blend = (n: number) => invalidField({ provider: "sim", action: "blend", base64Array: Array(n).fill(PNG) });
    expect([1, 2, 5, 6].map(blend)).toEqual(["base64Array", undefined, undefined, "base64Array"]);
  });
});

describe("isShallow", () => {
  const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`) as unknown;

  it("a very deep body is rejected without recursion", () => {
    expect(isShallow(nested(100_000))).toBe(false);
    expect(isShallow(JSON.parse("[".repeat(50_000) + "]".repeat(50_000)))).toBe(false);
  });

  it("a wide body and a plan of the maximum depth are accepted", () => {
    expect(isShallow(Array.from({ length: 10_000 }, () => ({ a: [1] })))).toBe(true);
    expect(isShallow(nested(3), 3)).toBe(true);
    expect(isShallow(nested(4), 3)).toBe(false);
    const plan = (depth: number): object => ({ press: "U1", modal: {}, ...(depth > 1 && { then: [plan(depth - 1)] }) });
    expect(isShallow({ ...flow, then: [plan(REQUEST.planDepth)] })).toBe(true);
    for (const plain of [null, 1, "x", undefined]) expect(isShallow(plain)).toBe(true);
  });
});

describe("fieldOf, isHttpUrl and list limits", () => {
  it("fieldOf writes a path as in code", () => {
    expect(fieldOf([])).toBe("");
    expect(fieldOf(["then", 1, "press"])).toBe("then[1].press");
    expect(fieldOf([0, "a"])).toBe("[0].a");
  });

  it("isHttpUrl accepts only http(s) URLs without user name and password", () => {
    for (const good of ["http://x", "https://x:8443/y?z#q", "HTTPS://X"]) expect(isHttpUrl(good), good).toBe(true);
    for (const bad of [
      "",
      "x",
      "//x",
      "file:///x",
      "javascript:1",
      "https://u@x",
      "https://:p@x",
      "data:,x",
      "web+http://x",
    ]) {
      expect(isHttpUrl(bad), bad).toBe(false);
    }
  });

  it("a list of flows has 20 items by default and at most 100", () => {
    expect(FlowListQuery.parse({})).toEqual({ limit: 20 });
    expect(FlowListQuery.parse({ limit: "100", cursor: "c" })).toEqual({ limit: 100, cursor: "c" });
    for (const limit of ["0", "101", "-1", "1.5", "many", ""]) {
      expect(FlowListQuery.safeParse({ limit }).success, limit).toBe(false);
    }
  });
});

describe("requests for webhook endpoints", () => {
  type Schema = { safeParse(body: unknown): { success: boolean; error?: { issues: { message: string }[] } } };
  const accepts = (schema: Schema, ...bodies: unknown[]) => bodies.map((body) => schema.safeParse(body).success);
  const url = "https://app.example/hook";
  const MONTH_S = 30 * 24 * 3_600;

  it("an endpoint needs a URL, and its events, scheme and description are optional", () => {
    const full = { url, events: ["task.completed"], scheme: "v1a", description: "shop" };
    expect(accepts(EndpointRequest, { url }, full, { url, scheme: "v1" })).toEqual([true, true, true]);
    const bad = [{}, { url: "ftp://x" }, { url, scheme: "v2" }, { url, events: [] }, { url, events: ["x"] }];
    expect(accepts(EndpointRequest, ...bad)).toEqual(bad.map(() => false));
  });

  it("the error for a URL with a password says what is wrong", () => {
    const { error } = EndpointRequest.safeParse({ url: "https://u:p@x" });
    expect(error?.issues[0]?.message).toBe("must be an http(s) URL without user name and password");
  });

  it("an update can contain any field, and null resets a field that has a default", () => {
    const good = [{}, { url }, { events: null }, { description: null }, { enabled: false }, { events: ["task.modal"] }];
    expect(accepts(EndpointPatch, ...good)).toEqual(good.map(() => true));
    const bad = [{ url: null }, { enabled: "no" }, { events: [] }, { scheme: "v1" }];
    expect(accepts(EndpointPatch, ...bad)).toEqual(bad.map(() => false));
  });

  it("the overlap of a secret rotation is at most 30 days", () => {
    const overlaps = [0, MONTH_S, MONTH_S + 1, -1, 0.5].map((overlapS) => ({ overlapS }));
    expect(accepts(RotateRequest, {}, ...overlaps)).toEqual([true, true, true, false, false, false]);
  });

  it("a replay selects failed or all deliveries, between times in any time zone", () => {
    const good = [{}, { only: "failed" }, { only: "all" }, { since: "2026-11-21T08:00:00Z" }];
    expect(accepts(ReplayRequest, ...good, { until: "2026-11-21T08:00:00+02:00" })).toEqual(Array(5).fill(true));
    expect(accepts(ReplayRequest, { only: "" }, { since: "yesterday" }, { until: "2026-11-21" })).toEqual(
      Array(3).fill(false),
    );
  });

  it("a list of deliveries can be filtered by status, endpoint, event, flow and time", () => {
    expect(DeliveryListQuery.parse({})).toEqual({ limit: 20 });
    const good = ["pending", "delivered", "failed"].map((status) => ({ status }));
    expect(
      accepts(DeliveryListQuery, ...good, { endpoint: "ep_x", flow: "flow_x", cursor: "c" }, { event: "task.failed" }),
    ).toEqual(Array(5).fill(true));
    expect(accepts(DeliveryListQuery, { status: "" }, { limit: 101 }, { since: "x" }, { event: "task" })).toEqual(
      Array(4).fill(false),
    );
  });

  it("a page has 20 items by default and at most 100", () => {
    expect(PageQuery.parse({})).toEqual({ limit: 20 });
    expect(PageQuery.parse({ limit: "100", cursor: "c" })).toEqual({ limit: 100, cursor: "c" });
    expect(accepts(PageQuery, { limit: 0 }, { limit: 101 }, { cursor: "" })).toEqual(Array(3).fill(false));
  });
});

describe("requests for vendor accounts", () => {
  const account = { baseUrl: "https://vendor.example", apiKey: "sk-1" };
  const fits = (more: object) => AccountRequest.safeParse({ ...account, ...more }).success;

  it("an account needs a base URL and an API key, and weight and maxRunning are optional", () => {
    expect([fits({}), fits({ weight: 0.5, maxRunning: 3 })]).toEqual([true, true]);
    expect(AccountRequest.safeParse({ apiKey: "sk-1" }).success).toBe(false);
    expect(AccountRequest.safeParse({ baseUrl: account.baseUrl }).success).toBe(false);
    expect(fits({ baseUrl: "ftp://x" })).toBe(false);
  });

  it("weight is 0 to 1,000, and maxRunning is an integer from 1 to MAX_RUNNING", () => {
    expect([-1, 0, 1_000, 1_001].map((weight) => fits({ weight }))).toEqual([false, true, true, false]);
    const results = [0, 1, 1.5, MAX_RUNNING, MAX_RUNNING + 1].map((maxRunning) => fits({ maxRunning }));
    expect(results).toEqual([false, true, false, true, false]);
  });

  it("an API key has 1 to 1,000 visible ASCII characters", () => {
    for (const apiKey of ["!", "~", "k".repeat(1_000)]) expect(fits({ apiKey }), apiKey).toBe(true);
    for (const apiKey of ["", "a b", "a\r\nHost: x", " a", "a ", "ä", "k".repeat(1_001)]) {
      expect(fits({ apiKey }), apiKey).toBe(false);
    }
    const read = AccountRequest.safeParse({ ...account, apiKey: "a b" });
    expect(read.error?.issues[0]?.message).toBe("must be visible ASCII characters");
  });

  it("an update can contain any field, and null resets weight and maxRunning", () => {
    for (const good of [{}, account, { weight: null, maxRunning: null }]) {
      expect(AccountPatch.safeParse(good).success, JSON.stringify(good)).toBe(true);
    }
    for (const bad of [{ apiKey: null }, { baseUrl: null }, { name: "b" }, { weight: -1 }]) {
      expect(AccountPatch.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });
});

describe("BannedRequest", () => {
  const read = (words: unknown) => BannedRequest.safeParse({ words });

  it("the request contains only the list of words", () => {
    expect(read(["blue movie"]).data).toEqual({ words: ["blue movie"] });
    expect(BannedRequest.safeParse({}).success).toBe(false);
    expect(BannedRequest.safeParse({ words: [], more: 1 }).success).toBe(false);
  });

  it("a blank word is rejected", () => {
    expect(read([" "]).error?.issues[0]?.message).toBe("must not be blank");
    expect(read(["x"]).success).toBe(true);
  });

  it("the list has a maximum size in bytes, which includes the commas between the words", () => {
    const long = "界".repeat(BANNED.wordLength);
    const words = Array.from({ length: Math.floor(BANNED.bytes / (3 * BANNED.wordLength + 1)) }, () => long);
    const bytesLeft = BANNED.bytes - Buffer.byteLength(words.join()) - 1;
    const last = "界".repeat(Math.floor(bytesLeft / 3)) + "x".repeat(bytesLeft % 3);
    expect(read([...words, last]).success).toBe(true);
    const over = read([...words, `${last}x`]);
    expect(over.error?.issues[0]?.message).toBe(`must be at most ${BANNED.bytes} bytes of UTF-8 in total`);
  });
});
