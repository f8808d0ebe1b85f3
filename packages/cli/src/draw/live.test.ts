import { expect, test } from "vitest";
import { Screen } from "../test-screen.ts";
import { Live } from "./live.ts";

test("each draw replaces the previous lines, whether it has more or fewer lines", () => {
  const screen = new Screen(40, 10);
  screen.write("$ mjflow\n");
  const live = new Live(screen);
  live.draw(["one"]);
  live.draw(["one", "two", "three"]);
  expect(screen.lines()).toEqual(["$ mjflow", "one", "two", "three"]);
  live.draw(["last"]);
  expect(screen.lines()).toEqual(["$ mjflow", "last"]);
});

test("the cursor is hidden while lines are redrawn and visible again after the end", () => {
  const screen = new Screen(40, 10);
  const live = new Live(screen);
  live.draw(["one"]);
  expect(screen.hasCursor).toBe(false);
  live.end();
  expect(screen.hasCursor).toBe(true);
  screen.write("$ ");
  expect(screen.lines()).toEqual(["one", "$"]);
});

test("without a draw nothing is written", () => {
  const screen = new Screen(40, 10);
  new Live(screen).end();
  expect(screen.written).toBe("");
});

test("if there are more lines than rows, the last lines and the number of omitted lines are shown", () => {
  const screen = new Screen(40, 5);
  const live = new Live(screen);
  for (let n = 0; n < 3; n++) live.draw(["a", "b", "c", "d", "e", "f"]);
  expect(screen.lines()).toEqual(["  … 3 more", "d", "e", "f"]);
});

test("lines that a narrower terminal has wrapped are still redrawn in place", () => {
  const screen = new Screen(40, 10);
  const live = new Live(screen);
  live.draw(["0123456789", "abc"]);
  screen.resize(6);
  expect(screen.lines()).toEqual(["012345", "6789", "abc"]);
  live.draw(["01234", "abc"]);
  expect(screen.lines()).toEqual(["01234", "abc"]);
});
