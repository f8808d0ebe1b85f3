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
  fieldOf,
  isHttpUrl,
  isShallow,
  ModalRequest,
  PageQuery,
  ReplayRequest,
  RotateRequest,
} from "./request.ts";

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const flow = { provider: "sim", prompt: "a cat" };

/** Where the first fault is, as an app would write it; nothing when the request is fine. */
function fault(body: unknown, schema: typeof FlowRequest | typeof ActionRequest | typeof ModalRequest = FlowRequest) {
  const read = schema.safeParse(body);
  return read.success ? undefined : fieldOf(read.error.issues[0]!.path);
}

describe("a fault is found at its field", () => {
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
  ])("%j", (body, field) => expect(fault(body)).toBe(field));

  it("a field nobody knows is refused, not ignored: a misspelt notifyHook would be missed for ever", () => {
    for (const extra of [{ notifyhook: "https://x" }, JSON.parse('{"__proto__": {"provider": "x"}}')]) {
      const read = FlowRequest.safeParse(Object.assign(Object.create(null), flow, extra));
      if (Object.keys(extra)[0] === "notifyhook") expect(read.success).toBe(false);
      else if (read.success) expect(({} as Record<string, unknown>)["provider"]).toBeUndefined();
    }
  });

  it("good requests of every action pass", () => {
    for (const body of [
      flow,
      { ...flow, action: "shorten" },
      { provider: "sim", action: "blend", base64Array: [PNG, "https://x/1.png"], dimensions: "SQUARE" },
      { provider: "sim", action: "describe", base64Array: [PNG] },
      { provider: "sim", action: "swap-face", sourceBase64: PNG, targetBase64: PNG },
      { ...flow, notifyHook: "https://app.example/hook?x=1", progress: true, then: [{ press: "upscale:all" }] },
    ]) {
      expect(fault(body)).toBeUndefined();
    }
  });

  it("a press by hand names its button one way", () => {
    expect(fault({}, ActionRequest)).toBe("press");
    expect(fault({ press: "U1", customId: "x" }, ActionRequest)).toBe("press");
    expect(fault({ customId: "MJ::x" }, ActionRequest)).toBeUndefined();
    expect(fault({ prompt: "p", maskBase64: PNG }, ModalRequest)).toBeUndefined();
  });

  it("garbage is a fault, never a crash", () => {
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

  it("of its full size is accepted byte for byte, emoji counted as four; one byte more is refused", () => {
    const full = cat.repeat(REQUEST.stateBytes / 4);
    const read = FlowRequest.parse({ ...flow, state: full });
    expect(read.state).toBe(full);
    expect(fault({ ...flow, state: `${full}x` })).toBe("state");
  });

  it("may be empty, and is not trimmed or normalised", () => {
    for (const state of ["", "  ", "e\u0301 \u0000\n", '{"a":1}']) {
      expect(FlowRequest.parse({ ...flow, state }).state).toBe(state);
    }
  });

  it.each(["\ud83d", "a\udc08b", "\udc08\ud83d"])("a lone surrogate could not be stored, and is refused", (state) => {
    expect(fault({ ...flow, state })).toBe("state");
  });

  it("any well-formed text within the limit survives", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (state) => {
        fc.pre(state.isWellFormed());
        expect(FlowRequest.parse({ ...flow, state }).state).toBe(state);
      }),
    );
  });
});

describe("a fault is explained", () => {
  const told = (body: unknown, schema: typeof FlowRequest | typeof ActionRequest = FlowRequest) => {
    const { code, message } = schema.safeParse(body).error!.issues[0]!;
    return { code, message };
  };

  it.each([
    [{ provider: "sim" }, "is required"],
    [{ provider: "sim", action: "shorten" }, "is required"],
    [{ provider: "sim", action: "swap-face", targetBase64: PNG }, "is required"],
    [{ provider: "sim", action: "swap-face", sourceBase64: PNG }, "is required"],
    [{ provider: "sim", action: "blend" }, "blend takes 2 to 5 images"],
    [{ provider: "sim", action: "describe" }, "describe takes one image"],
    [{ ...flow, prompt: "\ud83d" }, "must be well-formed Unicode"],
    [{ ...flow, sourceBase64: "x" }, "must be a data URI of an image, or an http(s) link"],
    [
      { ...flow, then: [{ press: "U1", modal: { maskBase64: "x" } }] },
      "must be a data URI of a PNG: white is drawn anew, black is kept",
    ],
    [{ ...flow, then: [{ press: 7 }] }, "must be a button's label or name, or a list of them"],
    [{ ...flow, state: "x".repeat(REQUEST.stateBytes + 1) }, `must be at most ${REQUEST.stateBytes} bytes of UTF-8`],
    [{ ...flow, notifyHook: "ftp://x" }, "must be an http(s) address without credentials"],
  ])("%j: %s", (body, message) => expect(told(body).message).toBe(message));

  it("a fault of the whole request is no other kind of fault than one of a field", () => {
    expect(told({ provider: "sim" })).toEqual({ code: "custom", message: "is required" });
    expect(told({}, ActionRequest)).toEqual({ code: "custom", message: "give either press or customId" });
  });
});

describe("a word of the protocol is accepted, and no other", () => {
  it.each([
    ["mode", ["fast", "relax", "turbo"]],
    ["botType", ["MID_JOURNEY", "NIJI_JOURNEY"]],
    ["dimensions", ["PORTRAIT", "SQUARE", "LANDSCAPE"]],
    ["resubmit", ["after-grace", "never"]],
    ["onVendorLoss", ["end", "restart"]],
  ])("%s is one of %j", (field, words) => {
    for (const word of words) expect(fault({ ...flow, [field]: word }), word).toBeUndefined();
    for (const other of ["", "x", null]) expect(fault({ ...flow, [field]: other })).toBe(field);
  });

  it("an account filter's modes are those three, in any order", () => {
    expect(fault({ ...flow, accountFilter: { modes: ["TURBO", "RELAX", "FAST"] } })).toBeUndefined();
    expect(fault({ ...flow, accountFilter: { modes: [""] } })).toBe("accountFilter.modes[0]");
  });
});

describe("an image", () => {
  const swap = (sourceBase64: string) =>
    fault({ provider: "sim", action: "swap-face", sourceBase64, targetBase64: PNG });
  const masked = (maskBase64: string) => fault({ maskBase64 }, ModalRequest);

  it("is a data URI, broken into lines or not; an input may be a link, a mask may not", () => {
    for (const good of [PNG, "data:image/svg+xml;base64,AAAA\nBBBB\n"]) {
      expect([swap(good), masked(good)]).toEqual([undefined, undefined]);
    }
    expect([swap("https://x/1.png"), masked("https://x/1.png")]).toEqual([undefined, "maskBase64"]);
  });

  it("is nothing but that: no text before, after or within", () => {
    for (const bad of [`x${PNG}`, `${PNG}<script>`, "data:image/png;base64,AA*A", "data:text/html;base64,AAAA"]) {
      expect([swap(bad), masked(bad)], bad).toEqual(["sourceBase64", "maskBase64"]);
    }
  });

  it("is one of two to five in a blend", () => {
    const blend = (n: number) => fault({ provider: "sim", action: "blend", base64Array: Array(n).fill(PNG) });
    expect([1, 2, 5, 6].map(blend)).toEqual(["base64Array", undefined, undefined, "base64Array"]);
  });
});

describe("a deeply nested body", () => {
  const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`) as unknown;

  it("is refused, however deep, before any recursion", () => {
    expect(isShallow(nested(100_000))).toBe(false);
    expect(isShallow(JSON.parse("[".repeat(50_000) + "]".repeat(50_000)))).toBe(false);
  });

  it("is told from a wide one, and from any plan that may be stored", () => {
    expect(isShallow(Array.from({ length: 10_000 }, () => ({ a: [1] })))).toBe(true);
    expect(isShallow(nested(3), 3)).toBe(true);
    expect(isShallow(nested(4), 3)).toBe(false);
    const plan = (depth: number): object => ({ press: "U1", modal: {}, ...(depth > 1 && { then: [plan(depth - 1)] }) });
    expect(isShallow({ ...flow, then: [plan(REQUEST.planDepth)] })).toBe(true);
    for (const plain of [null, 1, "x", undefined]) expect(isShallow(plain)).toBe(true);
  });
});

describe("smaller promises", () => {
  it("a field's path is written as in code", () => {
    expect(fieldOf([])).toBe("");
    expect(fieldOf(["then", 1, "press"])).toBe("then[1].press");
    expect(fieldOf([0, "a"])).toBe("[0].a");
  });

  it("only http(s) without credentials is an address", () => {
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

  it("a list is 20 long unless told, and never endless", () => {
    expect(FlowListQuery.parse({})).toEqual({ limit: 20 });
    expect(FlowListQuery.parse({ limit: "100", cursor: "c" })).toEqual({ limit: 100, cursor: "c" });
    for (const limit of ["0", "101", "-1", "1.5", "many", ""]) {
      expect(FlowListQuery.safeParse({ limit }).success, limit).toBe(false);
    }
  });
});

describe("what an app asks of its endpoints", () => {
  type Schema = { safeParse(body: unknown): { success: boolean; error?: { issues: { message: string }[] } } };
  const accepts = (schema: Schema, ...bodies: unknown[]) => bodies.map((body) => schema.safeParse(body).success);
  const url = "https://app.example/hook";
  const MONTH_S = 30 * 24 * 3_600;

  it("an endpoint has an address, and may choose its events, its scheme and its description", () => {
    const full = { url, events: ["task.completed"], scheme: "v1a", description: "shop" };
    expect(accepts(EndpointRequest, { url }, full, { url, scheme: "v1" })).toEqual([true, true, true]);
    const bad = [{}, { url: "ftp://x" }, { url, scheme: "v2" }, { url, events: [] }, { url, events: ["x"] }];
    expect(accepts(EndpointRequest, ...bad)).toEqual(bad.map(() => false));
  });

  it("is told what is wrong with an address", () => {
    const { error } = EndpointRequest.safeParse({ url: "https://u:p@x" });
    expect(error?.issues[0]?.message).toBe("must be an http(s) address without credentials");
  });

  it("a change may name any field, and null sets back what has a default", () => {
    const good = [{}, { url }, { events: null }, { description: null }, { enabled: false }, { events: ["task.modal"] }];
    expect(accepts(EndpointPatch, ...good)).toEqual(good.map(() => true));
    const bad = [{ url: null }, { enabled: "no" }, { events: [] }, { scheme: "v1" }];
    expect(accepts(EndpointPatch, ...bad)).toEqual(bad.map(() => false));
  });

  it("a secret overlaps its successor for a month at most", () => {
    const overlaps = [0, MONTH_S, MONTH_S + 1, -1, 0.5].map((overlapS) => ({ overlapS }));
    expect(accepts(RotateRequest, {}, ...overlaps)).toEqual([true, true, true, false, false, false]);
  });

  it("a replay is of the failed or of all, between times of any zone", () => {
    const good = [{}, { only: "failed" }, { only: "all" }, { since: "2026-11-21T08:00:00Z" }];
    expect(accepts(ReplayRequest, ...good, { until: "2026-11-21T08:00:00+02:00" })).toEqual(Array(5).fill(true));
    expect(accepts(ReplayRequest, { only: "" }, { since: "yesterday" }, { until: "2026-11-21" })).toEqual(
      Array(3).fill(false),
    );
  });

  it("deliveries are listed by how they stand, where they went and when", () => {
    expect(DeliveryListQuery.parse({})).toEqual({ limit: 20 });
    const good = ["pending", "delivered", "failed"].map((status) => ({ status }));
    expect(accepts(DeliveryListQuery, ...good, { endpoint: "ep_x", flow: "flow_x", cursor: "c" })).toEqual(
      Array(4).fill(true),
    );
    expect(accepts(DeliveryListQuery, { status: "" }, { limit: 101 }, { since: "x" })).toEqual(Array(3).fill(false));
  });

  it("a page is 20 long unless told", () => {
    expect(PageQuery.parse({})).toEqual({ limit: 20 });
    expect(PageQuery.parse({ limit: "100", cursor: "c" })).toEqual({ limit: 100, cursor: "c" });
    expect(accepts(PageQuery, { limit: 0 }, { limit: 101 }, { cursor: "" })).toEqual(Array(3).fill(false));
  });
});

describe("what an operator says of a vendor's account", () => {
  const account = { baseUrl: "https://vendor.example", apiKey: "sk-1" };
  const fits = (more: object) => AccountRequest.safeParse({ ...account, ...more }).success;

  it("is where it is and its key, and may be its share and its cap", () => {
    expect([fits({}), fits({ weight: 0.5, maxRunning: 3 })]).toEqual([true, true]);
    expect(AccountRequest.safeParse({ apiKey: "sk-1" }).success).toBe(false);
    expect(AccountRequest.safeParse({ baseUrl: account.baseUrl }).success).toBe(false);
    expect(fits({ baseUrl: "ftp://x" })).toBe(false);
  });

  it("a share is nothing at least; a cap is one at least, and what a row can hold at most", () => {
    expect([-1, 0, 1_000, 1_001].map((weight) => fits({ weight }))).toEqual([false, true, true, false]);
    const caps = [0, 1, 1.5, MAX_RUNNING, MAX_RUNNING + 1].map((maxRunning) => fits({ maxRunning }));
    expect(caps).toEqual([false, true, false, true, false]);
  });

  it("a key is one header's worth of visible characters", () => {
    for (const apiKey of ["!", "~", "k".repeat(1_000)]) expect(fits({ apiKey }), apiKey).toBe(true);
    for (const apiKey of ["", "a b", "a\r\nHost: x", " a", "a ", "ä", "k".repeat(1_001)]) {
      expect(fits({ apiKey }), apiKey).toBe(false);
    }
    const read = AccountRequest.safeParse({ ...account, apiKey: "a b" });
    expect(read.error?.issues[0]?.message).toBe("must be visible ASCII characters");
  });

  it("a change may name any field, and null sets back share and cap", () => {
    for (const good of [{}, account, { weight: null, maxRunning: null }]) {
      expect(AccountPatch.safeParse(good).success, JSON.stringify(good)).toBe(true);
    }
    for (const bad of [{ apiKey: null }, { baseUrl: null }, { name: "b" }, { weight: -1 }]) {
      expect(AccountPatch.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
    }
  });
});

describe("banned words", () => {
  const read = (words: unknown) => BannedRequest.safeParse({ words });

  it("are a list, and nothing else is asked for", () => {
    expect(read(["blue movie"]).data).toEqual({ words: ["blue movie"] });
    expect(BannedRequest.safeParse({}).success).toBe(false);
    expect(BannedRequest.safeParse({ words: [], more: 1 }).success).toBe(false);
  });

  it("are not blank", () => {
    expect(read([" "]).error?.issues[0]?.message).toBe("must not be blank");
    expect(read(["x"]).success).toBe(true);
  });

  it("are so many bytes in all, commas between them counted", () => {
    const long = "界".repeat(BANNED.wordLength);
    const words = Array.from({ length: Math.floor(BANNED.bytes / (3 * BANNED.wordLength + 1)) }, () => long);
    const room = BANNED.bytes - Buffer.byteLength(words.join()) - 1;
    const last = "界".repeat(Math.floor(room / 3)) + "x".repeat(room % 3);
    expect(read([...words, last]).success).toBe(true);
    const over = read([...words, `${last}x`]);
    expect(over.error?.issues[0]?.message).toBe(`must be at most ${BANNED.bytes} bytes of UTF-8 in all`);
  });
});
