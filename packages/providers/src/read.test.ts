import { globSync, readFileSync } from "node:fs";
import { resolvePress } from "@mjflow/core/button";
import { RESULT } from "@mjflow/core/limit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STRANGE, withEachValue } from "../test/strange-body.ts";
import { readCallback } from "./callback.ts";
import { idOf, parseJson, textOf } from "./json.ts";
import { CHANGE_BUTTONS } from "./legacy-change.ts";
import { cleanVendorText, redactRawReport } from "./redact.ts";
import { parseTask, taskList } from "./report.ts";
import { parseSubmitResponse } from "./submit-response.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);

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

  test("an id of 16 digits above 2^53 keeps its last digit", () => {
    expect(parseJson('{"result":9007199254740993}')).toEqual({ result: "9007199254740993" });
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

  test.each(["callback", "task", "submit", "error"])("no value makes the reader of a %s body fail", (kind) => {
    const files = globSync(`${kind}-*.json`, { cwd: FIXTURES });
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const body: unknown = JSON.parse(readFileSync(new URL(file, FIXTURES), "utf8"));
      for (const text of STRANGE.flatMap((strange) => withEachValue(body, strange)).map((each) =>
        JSON.stringify(each),
      )) {
        if (kind === "callback") readCallback("trueai", text, { baseUrl: "https://vendor.example" });
        else if (kind === "task") parseTask(parseJson(text));
        else parseSubmitResponse({ kind: "answered", status: 200, text }, { code21: "shape" });
      }
    }
  });

  test("a progress is a number with its own blanks, and neither digits apart nor a text after them", () => {
    const progress = (value: unknown) => parseTask({ id: "1", status: "IN_PROGRESS", progress: value })!.progress;
    for (const value of ["31%", " ( 31 % ) ", "31", "31.5 %", 31, `31%${" ".repeat(40)}`])
      expect(progress(value)).toBe(31);
    for (const value of ["3 1%", "3\u00001%", `31%${" ".repeat(40)}x`, "31 %%", ["31%"]])
      expect(progress(value)).toBeUndefined();
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

describe("what belongs to the operator", () => {
  test.each([
    [
      "[sk-GX6***u87] 该令牌额度已用尽 !token.UnlimitedQuota && token.RemainQuota = -49000 (request id: 2026113009)",
      "该令牌额度已用尽",
    ],
    ["Incorrect API key provided: sk-abcd****wxyz.", "Incorrect API key provided:"],
    ["用户额度不足, 剩余额度: ＄0.123456", "用户额度不足, 剩余额度"],
    ["current balance: $0.12, need quota: $0.50", "current balance, need quota"],
    ["user quota is not enough (request id: 2026)", "user quota is not enough"],
    ["see https://hooks.test/callbacks/1.k.x now", "see now"],
    ["a key vendor-key-7 in the text", "a key in the text"],
    ["nothing of it: 5 images", "nothing of it: 5 images"],
  ])("the text %j is shown as %j", (text, shown) => {
    expect(cleanVendorText(text, "vendor-key-7")).toBe(shown);
  });

  test("the words of a failure are cleaned in the report and in raw, the prompt is not", () => {
    const words = "[sk-GX6***u87] failed (request id: 7)";
    const { failReason, result } = parseTask({
      id: "1",
      status: "FAILURE",
      failReason: words,
      prompt: "balance: 5 ***",
    })!;
    expect(failReason).toBe("failed");
    expect(JSON.parse(result.raw!)).toMatchObject({ failReason: "failed", prompt: "balance: 5 ***" });
  });
});

describe("links and buttons", () => {
  const success = (more: object) =>
    parseTask({ id: "1", status: "SUCCESS", ...more }, { baseUrl: "http://api.test:81/v1" })!.result;

  test.each([
    ["https://cdn.test/a b.png\u001b[31m", "https://cdn.test/a%20b.png%1B[31m"],
    ["HTTPS://CDN.test/é.png", "https://cdn.test/%C3%A9.png"],
    ["https://cdn.test/a.png?ex=1&amp;is=2", "https://cdn.test/a.png?ex=1&is=2"],
    ["/mj/image/7", "http://api.test:81/mj/image/7"],
    ["//cdn.test/a.png", "http://cdn.test/a.png"],
    ["  https://cdn.test/a.png\n", "https://cdn.test/a.png"],
    ["mj/image/7", undefined],
    ["data:image/png;base64,AAAA", undefined],
    ["//", undefined],
    ["https://", undefined],
  ])("the link %j is %j", (imageUrl, wanted) => {
    expect(success({ imageUrl }).imageUrl).toBe(wanted);
  });

  test("a link without a host is left out if the base is not known", () => {
    expect(parseTask({ id: "1", status: "SUCCESS", imageUrl: "/mj/image/7" })!.result.imageUrl).toBeUndefined();
    expect(parseTask({ id: "1", status: "SUCCESS", imageUrl: "//cdn.test/7" })!.result.imageUrl).toBe(
      "https://cdn.test/7",
    );
  });

  test("a link with a comma in a comma list stays whole", () => {
    const { images } = success({ imageUrls: "https://cdn.test/a,b.png, https://cdn.test/c.png" });
    expect(images).toEqual([{ url: "https://cdn.test/a,b.png" }, { url: "https://cdn.test/c.png" }]);
  });

  test("a customId loses control characters", () => {
    const buttons = [{ customId: "MJ::JOB::\u202eupsample::1\u0000::x", label: "U1\u202e" }];
    expect(success({ buttons }).buttons).toEqual([{ customId: "MJ::JOB::upsample::1::x", label: "U1", emoji: "" }]);
  });

  test.each([
    ["no field", {}, undefined],
    ["null", { buttons: null }, undefined],
    ["a text that is no JSON", { buttons: "[{" }, undefined],
    ["a list of other things", { buttons: [1, { name: "U1" }] }, undefined],
    ["an empty list", { buttons: [] }, []],
    ["an empty list as text", { buttons: "[]" }, []],
    ["only a link button", { buttons: [{ customId: null, url: "https://x.test" }] }, []],
  ])("buttons told as %s are %j", (_, body, wanted) => {
    expect(success(body).buttons).toEqual(wanted);
  });
});

describe("statuses of other servers", () => {
  test.each([
    ["FINISHED", "SUCCESS"],
    ["Completed", "SUCCESS"],
    ["FAILED", "FAILURE"],
    ["ERROR", "FAILURE"],
    ["cancelled", "CANCEL"],
    ["Running", "IN_PROGRESS"],
    ["in-progress", "IN_PROGRESS"],
    ["not start", "NOT_START"],
    ["QUEUED", "NOT_START"],
  ])("the word %s means %s", (status, wanted) => {
    expect(parseTask({ id: "1", status })).toMatchObject({ status: wanted });
  });

  test("the final prompt is in properties, or in trueai-org's own field", () => {
    const row = { id: "7", status: "SUCCESS", imageUrl: "https://x.test/a.png" };
    const properties = { finalPrompt: "a boat --v 7" };
    expect(parseTask({ ...row, properties, promptFull: "b" })!.result.finalPrompt).toBe("a boat --v 7");
    expect(parseTask({ ...row, promptFull: "b --v 7" })!.result.finalPrompt).toBe("b --v 7");
  });

  test("a row at 100 % in progress has its picture and no buttons; an earlier row has nothing", () => {
    const row = { id: "7", status: "IN_PROGRESS", imageUrl: "https://x.test/a.png", buttons: [{ customId: "a" }] };
    const full = parseTask({ ...row, progress: "100%" })!;
    expect(full.result).toMatchObject({ imageUrl: "https://x.test/a.png" });
    expect(full.result).not.toHaveProperty("buttons");
    expect(parseTask({ ...row, progress: "99%" })!.result).toEqual({});
  });

  test("a task that has finished with a reason and without a picture has failed", () => {
    expect(parseTask({ id: "1", status: "FINISHED", failReason: "x" })).toMatchObject({ status: "FAILURE" });
    expect(parseTask({ id: "1", status: "FINISHED", failReason: "x", imageUrl: "https://x.test/1" })).toMatchObject({
      status: "SUCCESS",
    });
    expect(parseTask({ id: "1", status: "constructor" })).toMatchObject({ unknownStatus: "constructor" });
  });
});

describe("envelopes", () => {
  const end = { status: "SUCCESS", imageUrl: "https://x.test/1.png" };
  test.each<[string, unknown, string | undefined, string]>([
    ["the task itself", { id: "1", ...end }, "1", "SUCCESS"],
    [
      "a task whose data look like another task",
      { id: "1", ...end, data: { id: "2", status: "FAILURE" } },
      "1",
      "SUCCESS",
    ],
    ["an id outside and the status inside", { id: "1", data: end }, "1", "SUCCESS"],
    ["ids outside and inside", { task_id: "9", data: { task_id: "1", ...end } }, "1", "SUCCESS"],
    [
      "a status outside and the task inside",
      { status: "success", data: { id: "1", status: "FAILURE" } },
      "1",
      "FAILURE",
    ],
    ["a code and the task inside", { code: 1, result: { id: "1", ...end } }, "1", "SUCCESS"],
    ["a status outside and other data", { status: "FAILURE", data: { cost: 1 } }, undefined, "FAILURE"],
    ["an id inside and no status", { data: { id: "1" } }, "1", "NOT_START"],
    ["an id outside and no status", { id: "1", data: { cost: 1 } }, "1", "NOT_START"],
  ])("%s", (_name, body, id, status) => {
    const report = parseTask(body);
    expect([report?.vendorTaskId, report?.status]).toEqual([id, status]);
    // A callback whose token wants no progress must not drop an end that is wrapped.
    expect(parseTask(body, { dropsSteps: true })?.status).toBe(status);
  });
});

describe("lists of tasks", () => {
  const task = { id: "7", status: "SUCCESS" };
  test.each<[string, unknown, unknown[] | undefined]>([
    ["a bare array", [task], [task]],
    ["a page of plus", { content: [task], last: true }, [task]],
    ["an envelope with a list", { code: 1, result: [task] }, [task]],
    ["an envelope with a pager", { code: 0, data: { list: [task], total: 1 } }, [task]],
    ["a map by id", { 7: task }, [task]],
    ["a single task", task, [task]],
    ["null for an unknown id", [null], []],
    ["an empty array", [], []],
    ["an empty envelope", { code: 200, data: [] }, []],
    ["an error code", { code: 429, message: "rate limited" }, undefined],
    ["an error code beside an empty list", { code: 500, data: [] }, undefined],
    ["an error code in words", { code: "error", data: [] }, undefined],
    ["success false", { success: false, data: [] }, undefined],
    ["an error object", { error: { message: "database is locked" } }, undefined],
    ["an error object in a list", [{ error: "x" }], undefined],
    ["an empty object", {}, undefined],
    ["null", null, undefined],
    ["a list of texts", ["x"], undefined],
  ])("%s is a list, or no list", (_, body, wanted) => {
    expect(taskList(body)).toEqual(wanted);
  });
});

describe("forms", () => {
  test("a callback as a form has the fields of the task, or the task as one field", () => {
    const text = 'id=7&status=SUCCESS&imageUrl=https%3A%2F%2Fx.test%2F1.png&buttons=[{"customId":"MJ::1"}]';
    expect(readCallback("newapi-unknown", text)).toMatchObject({
      vendorTaskId: "7",
      status: "SUCCESS",
      result: { imageUrl: "https://x.test/1.png", buttons: [{ customId: "MJ::1" }] },
    });
    expect(readCallback("x", `data=${encodeURIComponent('{"id":"7","status":"SUCCESS"}')}`)).toMatchObject({
      vendorTaskId: "7",
    });
    expect(readCallback("x", "status")).toBeUndefined();
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
      picture: "(image/png, 26 characters of a data URI removed)",
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
