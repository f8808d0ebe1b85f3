import { resolvePress } from "@mjflow/core/button";
import { RESULT } from "@mjflow/core/limit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCallback } from "./callback.ts";
import { idOf, parseJson, textOf } from "./json.ts";
import { CHANGE_BUTTONS } from "./legacy-change.ts";
import { redactRawReport } from "./redact.ts";
import { parseTask } from "./report.ts";
import { parseSubmitResponse } from "./submit-response.ts";

describe("ids", () => {
  test("an integer of any length keeps its digits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 10n ** 15n, max: 10n ** 24n }), (id) => {
        expect(idOf((parseJson(`{"result": ${id}}`) as { result: unknown }).result)).toBe(String(id));
        expect(idOf((parseJson(`{"a":[${id}]}`) as { a: unknown[] }).a[0])).toBe(String(id));
      }),
    );
  });

  test("shorter numbers stay numbers, and strings stay unchanged", () => {
    expect(parseJson('{"a":1,"b":1765432109876,"c":"x: 1234567890123456789","d":1.5e300}')).toEqual({
      a: 1,
      b: 1765432109876,
      c: "x: 1234567890123456789",
      d: 1.5e300,
    });
  });

  test("idOf returns undefined for a value that is not an id", () => {
    for (const value of [null, undefined, "", " ", "a/b", "../x", {}, [], true, 1.5, "x".repeat(129)]) {
      expect(idOf(value)).toBeUndefined();
    }
  });
});

describe("arbitrary vendor input", () => {
  const anyJson = fc.jsonValue({ maxDepth: 6 });

  test("parsing a submit response never throws, and only a response with an id is accepted", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        fc.oneof(
          fc.string(),
          anyJson.map((v) => JSON.stringify(v)),
        ),
        (status, text) => {
          const outcome = parseSubmitResponse({ kind: "answered", status, text }, { code21: "shape" });
          if (outcome.kind === "accepted" || outcome.kind === "modal") expect(outcome.vendorTaskId).toMatch(/^[\w-]+$/);
        },
      ),
    );
  });

  test("parsing a callback never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          anyJson.map((v) => JSON.stringify(v)),
        ),
        (text) => void readCallback("trueai", text),
      ),
    );
    fc.assert(
      fc.property(anyJson, anyJson, anyJson, (status, buttons, properties) => {
        const report = parseTask({ id: "1", status, buttons, properties, imageUrl: properties, imageUrls: buttons });
        expect(report).toBeDefined();
      }),
    );
  });

  test("an unknown status is reported as unknownStatus, with at most 64 characters", () => {
    expect(parseTask({ id: "1", status: "WAITING_FOR_GODOT" })).toMatchObject({ unknownStatus: "WAITING_FOR_GODOT" });
    expect(parseTask({ id: "1", status: "X".repeat(500) })!.unknownStatus).toHaveLength(64);
  });

  test("an address that is not http or https gives no image", () => {
    const body = {
      id: "1",
      status: "SUCCESS",
      imageUrl: "javascript:alert(1)",
      imageUrls: ["data:text/html,x", { url: 5 }],
    };
    expect(parseTask(body)!.result).not.toHaveProperty("imageUrl");
    expect(parseTask(body)!.result).not.toHaveProperty("images");
  });

  test("__proto__ in a body does not change any prototype", () => {
    const report = readCallback(
      "plus",
      '{"id":"1","status":"SUCCESS","__proto__":{"polluted":true},"properties":{"__proto__":{"x":1}}}',
    );
    expect(report!.status).toBe("SUCCESS");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("vendor text is cut to 300 characters, control characters are removed, and Chinese text stays unchanged", () => {
    expect(textOf("排队中\u0000\u001b[2J，前面还有3个任务")).toBe("排队中[2J，前面还有3个任务");
    expect(textOf("x".repeat(1_000))).toHaveLength(300);
    expect(textOf("\ud83d")!.isWellFormed()).toBe(true);
  });
});

describe("redacted raw report", () => {
  test("a raw report contains neither our callback URL in any field nor the mask", () => {
    const raw = redactRawReport({
      id: "1",
      properties: { notifyHook: "https://h.test/callbacks/1.k.x", NotifyHook: "x", deep: [{ notifyhook: "x" }] },
      callback: "https://h.test/callbacks/1.k1.token",
      maskBase64: "AAAA",
      picture: "data:image/png;base64,AAAA",
      kept: "yes",
    });
    expect(JSON.parse(raw!)).toEqual({
      id: "1",
      properties: { deep: [{}] },
      callback: null,
      picture: null,
      kept: "yes",
    });
  });

  test("a raw report above the size limit is omitted completely", () => {
    expect(redactRawReport({ text: "x".repeat(RESULT.rawBytes) })).toBeUndefined();
    expect(
      parseTask({ id: "1", status: "SUCCESS", imageUrl: "https://x.test/a", junk: "x".repeat(99_999) })!.result,
    ).toEqual({
      imageUrl: "https://x.test/a",
    });
  });
});

test("the nine buttons for novicezk are found by label and by press name", () => {
  for (const [press, index] of [
    ["U2", 1],
    ["upscale:2", 1],
    ["🔄", 4],
    ["reroll", 4],
    ["V4", 8],
    ["variation:4", 8],
  ] as const) {
    expect(resolvePress(press, CHANGE_BUTTONS)).toMatchObject({ ok: true, button: CHANGE_BUTTONS[index] });
  }
});
