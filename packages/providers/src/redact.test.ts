/** What is removed from the words and bodies of vendors before anyone sees them (D7). */
import { RESULT } from "@mjflow/core/limit";
import { expect, test } from "vitest";
import { cleanVendorText, redactRawReport } from "./redact.ts";

test.each([
  ["[sk-GX6***u87] the quota is used up", "the quota is used up"],
  ["bad key sk-abc.def_0-1…x", "bad key"],
  ["a task-force and risk-averse", "a task-force and risk-averse"],
  ["sk-abc", "sk-abc"],
  ["[abc***def] is wrong", "is wrong"],
  ["[***] is wrong", "[***] is wrong"],
  ["[a**b] is wrong ***", "[a**b] is wrong ***"],
  ["no channel (request id: 2026-1-x)", "no channel"],
  ["no channel \n (request id: 2026 (a) x", "no channel x"],
  ["no channel （Request_ID：2026）", "no channel"],
  ["no channel (trace-id : 7) at all", "no channel at all"],
  ["no channel ( trace id: 7 )", "no channel"],
  ["failed, requestid=ab-12, sorry", "failed, , sorry"],
  ["failed trace_id： ab", "failed"],
  ["failed request id 7", "failed request id 7"],
  ["!token.UnlimitedQuota && token.RemainQuota = -7", ""],
  ["token.UnlimitedQuota&&RemainQuota=3.5 left", "left"],
  ["quota: 12", "quota"],
  ["balance = $0.25, need quota: $1,000.5", "balance, need quota"],
  ["current balance left: -3", "current balance left"],
  ["remaining quota remaining is 5", "remaining quota remaining"],
  ["user quota 为 ￥5", "user quota"],
  ["needed quota: 8 of", "needed quota of"],
  ["用户剩余额度: ＄0.5", "用户剩余额度"],
  ["预扣费额度：¥ 3", "预扣费额度"],
  ["需要余额为10.25", "需要余额"],
  ["当前余额=5", "当前余额"],
  ["balance  is low ", "balance  is low "],
  ["see https://hooks.test/callbacks/1.a.b now", "see now"],
  ["see http://hooks.test/x/callbacks/1 now", "see now"],
  ["see https://hooks.test/calls", "see https://hooks.test/calls"],
  ["two  blanks and\t\ttabs stay", "two  blanks and\t\ttabs stay"],
  ["quota: 1  and\t\tblanks", "quota and blanks"],
])("the text %j becomes %j", (text, cleaned) => {
  expect(cleanVendorText(text)).toBe(cleaned);
});

test("the key of the account is removed wherever it is, and no other word", () => {
  expect(cleanVendorText("the key KEY-1 of KEY-1 is wrong", "KEY-1")).toBe("the key of is wrong");
  expect(cleanVendorText("the key KEY-1 is wrong", "KEY-2")).toBe("the key KEY-1 is wrong");
  expect(cleanVendorText("no key", "")).toBe("no key");
});

const REMOVED =
  "notifyHook maskBase64 base64 base64Array sourceBase64 targetBase64 state clientIp userId nonce messageId messageIds messageHash messageContent progressMessageId referencedMessageId interactionMetadataId remixModalMessageId instanceId subInstanceId discordInstanceId discordChannelId accountFilter partnerTaskInfo officialTaskInfo isWhite flags displays".split(
    " ",
  );
const raw = (body: unknown, more?: ReadonlySet<string>) => JSON.parse(redactRawReport(body, more)!);

test.each(REMOVED)("the field %s is removed at any depth and in any case", (name) => {
  const body = {
    [name]: "x",
    a: { [name.toUpperCase()]: 1, b: [{ [name.toLowerCase()]: {} }] },
    [`${name}s1`]: "kept",
  };
  expect(raw(body)).toEqual({ a: { b: [{}] }, [`${name}s1`]: "kept" });
});

test("a family names more fields, and nulls are left out", () => {
  expect(raw({ a: 1, QUOTA: 2, b: null, c: [null, false, 0, ""] }, new Set(["quota"]))).toEqual({
    a: 1,
    c: [null, false, 0, ""],
  });
  expect(raw({ quota: 2 })).toEqual({ quota: 2 });
});

test("our callback URL and images as data are removed from every text", () => {
  expect(raw({ a: "https://h.test/callbacks/1.x", b: ["/callbacks/1.y"], c: "/callbacks/2.z" })).toEqual({
    a: null,
    b: [null],
    c: "/callbacks/2.z",
  });
  expect(
    raw({ a: " DATA:image/png;charset=x;base64,AAAA", b: "data:image/png,AAAA", c: "x data:image/png;base64,A" }),
  ).toEqual({
    a: "(image/png, 37 characters of a data URI removed)",
    b: "data:image/png,AAAA",
    c: "x data:image/png;base64,A",
  });
});

test.each(["failReason", "fail_reason", "description", "message", "msg", "error", "detail", "DETAIL"])(
  "the vendor's words in %s are cleaned, and other texts are not",
  (name) => {
    expect(raw({ [name]: "quota: 12", prompt: "quota: 12", [`${name}x`]: "quota: 12" })).toEqual({
      [name]: "quota",
      prompt: "quota: 12",
      [`${name}x`]: "quota: 12",
    });
    expect(raw({ [name]: ["quota: 12", { prompt: "quota: 12" }] })).toEqual({
      [name]: ["quota", { prompt: "quota: 12" }],
    });
  },
);

test("a body is cut below twelve levels, and is none if it is too large", () => {
  const nested = (depth: number): unknown => (depth === 0 ? "end" : { a: nested(depth - 1) });
  const end = (value: unknown): unknown =>
    typeof value === "object" && value ? end((value as { a: unknown }).a) : value;
  expect(end(raw(nested(12)))).toBe("end");
  expect(end(raw(nested(13)))).toBeNull();
  const bytes = RESULT.rawBytes - '{"a":""}'.length;
  expect(redactRawReport({ a: "x".repeat(bytes) })).toHaveLength(RESULT.rawBytes);
  expect(redactRawReport({ a: "x".repeat(bytes + 1) })).toBeUndefined();
  expect(redactRawReport({ a: `${"x".repeat(bytes - 1)}é` }), "bytes count, not characters").toBeUndefined();
  expect(redactRawReport(undefined)).toBeUndefined();
});

test("a field named __proto__ is an ordinary field", () => {
  expect(redactRawReport(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
});
