import { expect, test } from "vitest";
import { Screen } from "../test-screen.ts";
import { Live } from "./live.ts";

test("each drawing replaces the one before, longer or shorter", () => {
  const screen = new Screen(40, 10);
  screen.write("$ mjflow\n");
  const live = new Live(screen);
  live.draw(["one"]);
  live.draw(["one", "two", "three"]);
  expect(screen.lines()).toEqual(["$ mjflow", "one", "two", "three"]);
  live.draw(["last"]);
  expect(screen.lines()).toEqual(["$ mjflow", "last"]);
});

test("the cursor is away while it draws, and back at its end", () => {
  const screen = new Screen(40, 10);
  const live = new Live(screen);
  live.draw(["one"]);
  expect(screen.hasCursor).toBe(false);
  live.end();
  expect(screen.hasCursor).toBe(true);
  screen.write("$ ");
  expect(screen.lines()).toEqual(["one", "$"]);
});

test("nothing drawn, nothing written", () => {
  const screen = new Screen(40, 10);
  new Live(screen).end();
  expect(screen.written).toBe("");
});

test("more lines than the screen has: the last, and how many are left out", () => {
  const screen = new Screen(40, 5);
  const live = new Live(screen);
  for (let n = 0; n < 3; n++) live.draw(["a", "b", "c", "d", "e", "f"]);
  expect(screen.lines()).toEqual(["  … 3 more", "d", "e", "f"]);
});

test("a screen made narrower wraps what stands on it, and it is still drawn over", () => {
  const screen = new Screen(40, 10);
  const live = new Live(screen);
  live.draw(["0123456789", "abc"]);
  screen.resize(6);
  expect(screen.lines()).toEqual(["012345", "6789", "abc"]);
  live.draw(["01234", "abc"]);
  expect(screen.lines()).toEqual(["01234", "abc"]);
});
