/** A missing browser skips tests on a developer's machine, and fails in CI. */
import { expect, test } from "vitest";
import { chromiumPath } from "./test-browser.ts";

const NOWHERE = ["/nowhere/chromium"];

test("without Chromium the tests are skipped on a developer's machine", () => {
  expect(chromiumPath({}, NOWHERE)).toBeUndefined();
});

test.each([{ CI: "true" }, { MJFLOW_TEST_BROWSER: "required" }])("without Chromium the tests fail with %j", (env) => {
  expect(() => chromiumPath(env, NOWHERE)).toThrow("There is no Chromium");
});

test("a wrong MJFLOW_CHROMIUM is an error that names it", () => {
  expect(() => chromiumPath({ MJFLOW_CHROMIUM: "/nowhere/chrome" }, NOWHERE)).toThrow("/nowhere/chrome");
});

test("the browser that is there is found, also in CI", () => {
  expect(chromiumPath({ CI: "true" }, [...NOWHERE, process.execPath])).toBe(process.execPath);
});
