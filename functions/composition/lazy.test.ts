import { expect, test } from "vitest";
import { lazyAsync } from "./base.ts";

test("a value is built once, also for calls at the same time", async () => {
  let builds = 0;
  const value = lazyAsync(async () => ++builds);
  expect(await Promise.all([value(), value()])).toEqual([1, 1]);
  expect(await value()).toBe(1);
});

test("the call after a failed build builds again", async () => {
  let builds = 0;
  const value = lazyAsync(async () => {
    if (++builds === 1) throw new Error("too many open files");
    return "built";
  });
  await expect(value()).rejects.toThrow("too many open files");
  expect(await value()).toBe("built");
});
