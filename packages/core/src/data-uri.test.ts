import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readImageData } from "./data-uri.ts";
import { FlowRequest, ModalInput } from "./request.ts";

const PLAIN = "data:image/png;base64,iVBORw0KGgo=";

describe("readImageData", () => {
  test.each([
    ["parameters of the type", "data:image/png;charset=utf-8;base64,iVBORw0KGgo="],
    ["several parameters", 'data:image/png;name="x.png";charset=utf-8;base64,iVBORw0KGgo='],
    ["upper case", "DATA:IMAGE/PNG;BASE64,iVBORw0KGgo="],
    ["line breaks", "data:image/png;base64,iVBO\r\nRw0K\nGgo=\n"],
    ["spaces around", " data:image/png;base64, iVBORw0KGgo= "],
    ["no padding", "data:image/png;base64,iVBORw0KGgo"],
    ["percent-encoded padding", "data:image/png;base64,iVBORw0KGgo%3D"],
    ["the plain form", PLAIN],
  ])("a data URI with %s becomes the plain form", (_, text) => {
    expect(readImageData(text)).toEqual({ uri: PLAIN });
  });

  test.each([
    ["data:image/png;base64,iVBO=Rw0KGgo=====", 'the wrong character "=" at position 5'],
    ["data:image/png;base64,iVBORw0KGgo==", 'has 2 "=" at its end, but needs 1'],
    ["data:image/png;base64,iVBORw0KGgoA=", 'has 1 "=" at its end, but needs 0'],
    ["data:image/png;base64,iVBOR", "one character is left over"],
    ["data:image/png;base64,iVBO-w0_Ggo=", 'the wrong character "-" at position 5'],
    ["data:image/png;base64,", "has no data"],
    ["data:image/png;base64, \n", "has no data"],
    ["data:image/png,abc", "is not of an image in base64"],
    ["data:text/html;base64,iVBORw0KGgo=", "is not of an image in base64"],
    ["data:;base64,iVBORw0KGgo=", "is not of an image in base64"],
    [" data:image/png,abc", "is not of an image in base64"],
    [`${" ".repeat(5_000)}${PLAIN}`, "is not of an image in base64"],
  ])("%j is rejected with the reason", (text, reason) => {
    expect(readImageData(text)).toEqual({ problem: expect.stringContaining(reason) });
  });

  test("text that is no data URI is left to the caller", () => {
    for (const text of ["", "https://a.test/a.png", "iVBORw0KGgo=", "database64,", `see ${PLAIN}`, "see data:,x"]) {
      expect(readImageData(text)).toStrictEqual({ uri: undefined });
    }
  });

  test("for every image, line breaks and missing padding change no byte", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 76 }), fc.boolean(), (image, width, isPadded) => {
        const text = Buffer.from(image).toString("base64");
        const lines = (isPadded ? text : text.replace(/=+$/, "")).replace(new RegExp(`.{${width}}`, "g"), "$&\r\n");
        expect(readImageData(`data:image/webp;base64,${lines}`)).toEqual({ uri: `data:image/webp;base64,${text}` });
      }),
    );
  });

  test("a text of 6 MB is read within a second", () => {
    const start = performance.now();
    const hostile = ["A".repeat(6e6), "A\n".repeat(3e6), "%3D".repeat(2e6), "=".repeat(6e6), ";".repeat(6e6)];
    for (const data of hostile) {
      readImageData(`data:image/png;base64,${data}`);
      readImageData(`data:image/png${data}`);
    }
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe("requests", () => {
  const flow = { provider: "sim", prompt: "a boat" };
  const broken = "data:image/png;base64,iVBORw0KGgo=\r\n";

  test("the plain form reaches the engine from every field with an image", () => {
    const { data } = FlowRequest.safeParse({
      ...flow,
      base64Array: [broken, "https://a.test/a.png"],
      sourceBase64: broken,
      targetBase64: broken,
      then: [{ press: "U1", modal: { maskBase64: broken } }],
    });
    expect(data).toMatchObject({
      base64Array: [PLAIN, "https://a.test/a.png"],
      sourceBase64: PLAIN,
      targetBase64: PLAIN,
      then: [{ modal: { maskBase64: PLAIN } }],
    });
    expect(ModalInput.parse({ maskBase64: broken })).toEqual({ maskBase64: PLAIN });
  });

  test.each([
    [{ ...flow, base64Array: [PLAIN, "data:image/png;base64,iVBO="] }, "base64Array.1"],
    [
      { ...flow, then: [{ press: "U1", modal: { maskBase64: "data:image/png;base64,iVBO=" } }] },
      "then.0.modal.maskBase64",
    ],
  ])("wrong padding is rejected with the field", (body, field) => {
    const [issue] = FlowRequest.safeParse(body).error!.issues;
    expect(issue!.path.join(".")).toBe(field);
    expect(issue!.message).toContain('"="');
  });

  test("a mask cannot be a link", () => {
    expect(ModalInput.safeParse({ maskBase64: "https://a.test/a.png" }).success).toBe(false);
  });
});
