import { expect, test } from "vitest";
import { retryAfterMs } from "./retry-after.ts";

/** Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110. */
const AT = 784_111_777_000;

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7_000],
  ["99999999999999999999", Number.MAX_SAFE_INTEGER],
])("the header %j is read as seconds", (header, ms) => {
  expect(retryAfterMs(header, AT, Date.parse)).toBe(ms);
});

test.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
  "the header %j is read as a GMT date in any time zone of the machine",
  (header) => {
    const zone = process.env["TZ"];
    process.env["TZ"] = "Asia/Shanghai";
    try {
      expect(retryAfterMs(header, AT - 90_000, Date.parse)).toBe(90_000);
    } finally {
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
  },
);

test("a past date gives 0 ms", () => {
  expect(retryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT", AT + 1, Date.parse)).toBe(0);
});

test.each([
  undefined,
  "",
  "soon",
  "-5",
  "1.5",
  "1e3",
  "0x10",
  "2030-01-01",
  "Sun, 06 Nov 1994",
  "Sun, 99 Nov 1994 08:49:37 GMT",
  "12, 13",
])("the header %j gives no value", (header) => {
  expect(retryAfterMs(header, AT, Date.parse)).toBeUndefined();
});
