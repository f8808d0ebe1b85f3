import type { Task } from "@mjflow/client";
import { describe, expect, test } from "vitest";
import { colours, plain } from "../paint.ts";
import { flow, task } from "../test-task.ts";
import { widthOf } from "../text.ts";
import { bars } from "./bars.ts";
import { flowLines } from "./flow.ts";
import { table } from "./table.ts";
import { tree } from "./tree.ts";

const ROOMY = 400;

describe("bars", () => {
  const tasks = [
    task("0"),
    task("0-0", { press: "U1", status: "IN_PROGRESS", progress: 50 }),
    task("0-1", { press: "U2", status: "FAILURE", progress: 0 }),
    task("0-0-0", { press: "Upscale (Subtle) 🔄 with a label of no end at all", status: "PENDING", progress: 0 }),
  ];

  test("bars show the progress of each task, indented by its depth", () => {
    expect(bars(tasks.slice(0, 3), plain, 60)).toEqual([
      "  imagine   ████████████████████████████ 100%  success",
      "    U1      ██████████████░░░░░░░░░░░░░░  50%  in_progress",
      "    U2      ░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0%  failure",
    ]);
  });

  test.each([200, 80, 60, 50, 40, 36])(
    "no line is wider than a terminal of %d columns, with and without colors",
    (columns) => {
      for (const paint of [plain, colours]) {
        for (const line of bars(tasks, paint, columns)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }
    },
  );

  test("a terminal that is too narrow for a bar shows only the percentage", () => {
    expect(bars(tasks, plain, 40)[1]).toBe("    U1            50%  in_progress");
  });

  test("progress above 100 or below 0 does not change the length of the bar", () => {
    const lines = bars([task("0", { progress: 250 }), task("0-0", { progress: -3 })], plain, 60);
    expect(lines.map((line) => line.replace(/[^█░]/g, "").length)).toEqual([28, 28]);
  });
});

describe("tree", () => {
  const image = "https://cdn.example/boat.png";
  const tasks = [
    task("0", { imageUrl: image }),
    task("0-0", { press: "U1", imageUrl: image }),
    task("0-1", { press: "U2", status: "FAILURE", failReason: "refused" }),
    task("0-0-0", { press: "zoom:2", status: "IN_PROGRESS", progress: 40 }),
  ];

  test("the tree shows each press below its parent, with the full id and the result on one line", () => {
    expect(tree(tasks, plain, ROOMY)).toEqual([
      `  imagine       ✓ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0      ${image}`,
      `  ├─ U1         ✓ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-0    ${image}`,
      "  │  └─ zoom:2  … task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-0-0  in_progress 40%",
      "  └─ U2         ✗ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-1    refused",
    ]);
  });

  test("on a narrow terminal the uncut results get their own lines", () => {
    expect(tree(tasks, plain, 60)).toEqual([
      "  imagine       ✓ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0",
      `  │  ${image}`,
      "  ├─ U1         ✓ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-0",
      `  │  │  ${image}`,
      "  │  └─ zoom:2  … task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-0-0",
      "  │     in_progress 40%",
      "  └─ U2         ✗ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-1",
      "     refused",
    ]);
  });

  test("the result is the archived copy before the vendor's link, or the text of a describe task", () => {
    const copy = { url: "https://own.example/1", bytes: 1, sha256: "", contentType: "image/png", source: image };
    expect(tree([task("0", { imageUrl: image, copies: [copy] })], plain, ROOMY)[0]).toContain(copy.url);
    expect(tree([task("0", { text: "1. a boat\n2. a ship" })], plain, ROOMY)[0]).toContain("1. a boat 2. a ship");
  });

  test("no tasks give no lines, and a part of a flow is drawn from its own root", () => {
    expect(tree([], plain, 80)).toEqual([]);
    expect(
      tree([task("0-1", { press: "U2" }), task("0-1-0", { press: "zoom:2" })], plain, ROOMY).map((line) =>
        line.slice(0, 12),
      ),
    ).toEqual(["  U2        ", "  └─ zoom:2 "]);
  });
});

describe("a task that waits for its account", () => {
  const lineOf = (waits: Task["waits"]) =>
    tree([task("0", { status: "PENDING", progress: 0, waits })], plain, ROOMY)[0]!;

  test.each<[Task["waits"], string]>([
    [{ reason: "full", ahead: 3, atLeast: false }, "pending · waits: the account is full, 3 ahead"],
    [{ reason: "busy", ahead: 100, atLeast: true }, "pending · waits: the vendor is busy, at least 100 ahead"],
    [{ reason: "order", ahead: 0, atLeast: false }, "pending · waits: other tasks came first, next in turn"],
    [{ reason: "calls", ahead: null, atLeast: false }, "pending · waits: too many open calls at the vendor"],
    [null, "pending"],
    [undefined, "pending"],
  ])("%o is shown as %s", (waits, text) => {
    expect(lineOf(waits).endsWith(`  ${text}`)).toBe(true);
  });
});

describe("flowLines", () => {
  test("the lines contain the counts, the state and hints for tasks that need an action", () => {
    const failure = {
      code: "press_not_offered",
      message: "The parent task has no such button.",
      offered: ["U1", "🔄"],
    };
    const tasks = [
      task("0"),
      task("0-0", { press: "zoom:custom", status: "MODAL" }),
      task("0-1", { press: "U9", status: "FAILURE", failure }),
    ];
    const text = flowLines(flow(tasks, { state: "order 7" }), plain, 200).join("\n");
    expect(text).toContain("3 submissions · 3 callbacks");
    expect(text).toContain("state order 7");
    expect(text).toContain(`? zoom:custom waits for a modal answer: mjflow modal ${tasks[1]!.id} --prompt …`);
    expect(text).toContain("✗ U9: offered buttons: U1, 🔄");
  });

  test("escape sequences in the texts of others are removed", () => {
    const sequence = "\u001b[2J\u001b]0;x\u0007\u202e";
    const tasks = [task("0", { press: sequence, imageUrl: sequence, failReason: sequence, status: "FAILURE" })];
    const lines = flowLines(flow(tasks, { prompt: sequence, state: sequence, provider: sequence }), plain, 80);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Bidi_C}]/u);
  });
});

describe("table", () => {
  const columns = [
    { name: "id", of: (row: string[]) => row[0]! },
    { name: "what", of: (row: string[]) => row[1]!, cut: true as const },
  ];
  const rows = [
    ["flow_1", "a paper boat on calm water"],
    ["flow_22", "a ship"],
  ];

  test("columns are aligned if the width is sufficient", () => {
    expect(table(columns, rows, plain, 80)).toEqual([
      "id       what",
      "flow_1   a paper boat on calm water",
      "flow_22  a ship",
    ]);
  });

  test("on a narrow terminal the columns marked as cut are shortened", () => {
    expect(table(columns, rows, plain, 20)).toEqual(["id       what", "flow_1   a paper bo…", "flow_22  a ship"]);
  });

  test("fields are stacked if shortened columns do not fit, so that no id is cut", () => {
    expect(table(columns, rows, plain, 12)).toEqual(["flow_1", "  what  a p…", "flow_22", "  what  a s…"]);
  });
});
