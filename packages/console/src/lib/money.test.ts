import { expect, test } from "vitest";
import { usd } from "./money.ts";

test("amounts have two digits of cents, and more only if they are needed", () => {
  expect([0, 0.04, 0.108, 1.5, 12, 0.015, 0.0004, 3.4567].map(usd)).toEqual([
    "$0.00",
    "$0.04",
    "$0.108",
    "$1.50",
    "$12.00",
    "$0.015",
    "$0.0004",
    "$3.46",
  ]);
  expect(usd(0.1 + 0.2)).toBe("$0.30");
});
