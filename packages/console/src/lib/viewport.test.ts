import { expect, test } from "vitest";
import { firstView, fitted, isNear, isSeen, revealing, zoomed } from "./viewport.ts";

const port = { width: 1000, height: 600 };

test("a small plane is centered at its natural size, and a large one is fitted", () => {
  expect(fitted({ width: 200, height: 100 }, port)).toEqual({ scale: 1, x: 400, y: 250 });
  const { scale, x, y } = fitted({ width: 1904, height: 300 }, port);
  expect([scale, x, y]).toEqual([0.5, 24, 225]);
});

test("the first view of a flow that is too large to read shows its root in the middle of the left edge", () => {
  const root = { x: 8, y: 5_000 };
  const view = firstView({ width: 4_000, height: 10_000 }, port, root);
  expect(view.scale).toBe(0.45);
  expect([view.x + root.x * view.scale, view.y + root.y * view.scale]).toEqual([24, 300]);
});

test("zooming keeps the point under the pointer, and stops at 10 and 200 percent", () => {
  const at = { x: 300, y: 200 };
  const view = { x: 50, y: 20, scale: 1 };
  const pointOf = ({ x, y, scale }: typeof view) => [(at.x - x) / scale, (at.y - y) / scale];
  const next = zoomed(view, 1.5, at);
  expect(pointOf(next)[0]).toBeCloseTo(pointOf(view)[0]!);
  expect(pointOf(next)[1]).toBeCloseTo(pointOf(view)[1]!);
  expect(zoomed(view, 100, at).scale).toBe(2);
  expect(zoomed(view, 0.001, at).scale).toBe(0.1);
});

test("a node that is visible does not move the view, and one outside moves it as little as needed", () => {
  const view = { x: 0, y: 0, scale: 1 };
  const card = { width: 100, height: 100 };
  expect(revealing(view, { x: 400, y: 200, ...card }, port)).toEqual(view);
  expect(revealing(view, { x: 1_200, y: 200, ...card }, port)).toEqual({ ...view, x: -324 });
  expect(revealing(view, { x: -50, y: 200, ...card }, port)).toEqual({ ...view, x: 74 });
});

test("only nodes within a tenth of the port around the visible area are near", () => {
  const view = { x: 0, y: 0, scale: 1 };
  const at = (x: number, y: number) => isNear(view, { x, y, width: 100, height: 100 }, port);
  expect([at(0, 0), at(1_090, 0), at(1_110, 0), at(0, -150), at(0, -170)]).toEqual([true, true, false, true, false]);
});

test("a node is seen if its middle is in the port", () => {
  const view = { x: -100, y: 0, scale: 0.5 };
  const at = (x: number, y: number) => isSeen(view, { x, y, width: 100, height: 100 }, port);
  expect([at(150, 0), at(149, 0), at(2_150, 0), at(2_151, 0), at(200, 1_151)]).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
});
