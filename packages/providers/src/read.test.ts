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

describe("ids survive losslessly", () => {
  test("a bare integer of any length keeps its digits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 10n ** 15n, max: 10n ** 24n }), (id) => {
        expect(idOf((parseJson(`{"result": ${id}}`) as { result: unknown }).result)).toBe(String(id));
        expect(idOf((parseJson(`{"a":[${id}]}`) as { a: unknown[] }).a[0])).toBe(String(id));
      }),
    );
  });

  test("other numbers stay numbers, and strings stay as they are", () => {
    expect(parseJson('{"a":1,"b":1765432109876,"c":"x: 1234567890123456789","d":1.5e300}')).toEqual({
      a: 1,
      b: 1765432109876,
      c: "x: 1234567890123456789",
      d: 1.5e300,
    });
  });

  test("what is no id is none", () => {
    for (const value of [null, undefined, "", " ", "a/b", "../x", {}, [], true, 1.5, "x".repeat(129)]) {
      expect(idOf(value)).toBeUndefined();
    }
  });
});

describe("whatever a vendor sends", () => {
  const anyJson = fc.jsonValue({ maxDepth: 6 });

  test("no answer throws, and only one that names an id is accepted", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        fc.oneof(
          fc.string(),
          anyJson.map((v) => JSON.stringify(v)),
        ),
        (status, text) => {
          const read = parseSubmitResponse({ kind: "answered", status, text }, { code21: "shape" });
          if (read.kind === "accepted" || read.kind === "modal") expect(read.vendorTaskId).toMatch(/^[\w-]+$/);
        },
      ),
    );
  });

  test("no callback throws", () => {
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

  test("an unknown status is told as such, and cut", () => {
    expect(parseTask({ id: "1", status: "WAITING_FOR_GODOT" })).toMatchObject({ unknownStatus: "WAITING_FOR_GODOT" });
    expect(parseTask({ id: "1", status: "X".repeat(500) })!.unknownStatus).toHaveLength(64);
  });

  test("links that are no links are no pictures", () => {
    const body = {
      id: "1",
      status: "SUCCESS",
      imageUrl: "javascript:alert(1)",
      imageUrls: ["data:text/html,x", { url: 5 }],
    };
    expect(parseTask(body)!.result).not.toHaveProperty("imageUrl");
    expect(parseTask(body)!.result).not.toHaveProperty("images");
  });

  test("__proto__ in a body changes nothing but its own field", () => {
    const report = readCallback(
      "plus",
      '{"id":"1","status":"SUCCESS","__proto__":{"polluted":true},"properties":{"__proto__":{"x":1}}}',
    );
    expect(report!.status).toBe("SUCCESS");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("text loses its control characters and its length, not its language", () => {
    expect(textOf("排队中\u0000\u001b[2J，前面还有3个任务")).toBe("排队中[2J，前面还有3个任务");
    expect(textOf("x".repeat(1_000))).toHaveLength(300);
    expect(textOf("\ud83d")!.isWellFormed()).toBe(true);
  });
});

describe("what is kept of a body", () => {
  test("our hook is gone, wherever a fork may put it, and so is the mask", () => {
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

  test("a body too large to keep is dropped whole, never cut into something that is no JSON", () => {
    expect(redactRawReport({ text: "x".repeat(RESULT.rawBytes) })).toBeUndefined();
    expect(
      parseTask({ id: "1", status: "SUCCESS", imageUrl: "https://x.test/a", junk: "x".repeat(99_999) })!.result,
    ).toEqual({
      imageUrl: "https://x.test/a",
    });
  });
});

test("the nine buttons made up for novicezk are found by label and by name", () => {
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
