import type { SharedTask } from "@mjflow/client";
import { expect, test } from "vitest";
import { resultsOf, shotsOfResult } from "./shared.ts";

const task = (id: string, parentId: string | null, press: string | null, pictures = 1): SharedTask => ({
  ...{ id, parentId, press, action: press === null ? "IMAGINE" : "UPSCALE", status: "SUCCESS", progress: 100 },
  pictures: Array.from({ length: pictures }, (_, i) => ({
    kind: "image",
    url: `https://a.test/${i}`,
    contentType: null,
  })),
  ...{ hasUnsharedPictures: false, text: null, createdAt: "2026-11-30T00:00:00.000Z", endedAt: null },
});

test("results are in the order of the tree, each with the presses that lead to it", () => {
  const tasks = [task("0", null, null), task("0-0", "0", "upscale:1"), task("0-1", "0", "upscale:2")];
  const deep = task("0-0-0", "0-0", "zoom:2");
  const ways = resultsOf({ tasks: [...tasks, deep] }).map(({ way }) => way.join(" › "));
  expect(ways).toEqual(["imagine", "imagine › U1", "imagine › U1 › Zoom out 2×", "imagine › U2"]);
});

test("a result whose parent is not shown is shown at the end", () => {
  const tasks = [task("0-5-0", "0-5", "zoom:2"), task("0", null, null)];
  expect(resultsOf({ tasks }).map(({ task: { id } }) => id)).toEqual(["0", "0-5-0"]);
});

test("each picture of a result has an id and a name of its own", () => {
  const [result] = resultsOf({ tasks: [task("0", null, null, 2)] });
  expect(shotsOfResult(result!).map(({ id, label }) => [id, label])).toEqual([
    ["0.1", "imagine 1"],
    ["0.2", "imagine 2"],
  ]);
});
