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

  test("show how far each task is, indented as deep as it stands", () => {
    expect(bars(tasks.slice(0, 3), plain, 60)).toEqual([
      "  imagine   ████████████████████████████ 100%  success",
      "    U1      ██████████████░░░░░░░░░░░░░░  50%  in_progress",
      "    U2      ░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0%  failure",
    ]);
  });

  test.each([200, 80, 60, 50, 40, 36])("no line is wider than a screen of %d columns, colours or not", (columns) => {
    for (const paint of [plain, colours]) {
      for (const line of bars(tasks, paint, columns)) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });

  test("a screen too narrow for a bar has the percentage", () => {
    expect(bars(tasks, plain, 40)[1]).toBe("    U1            50%  in_progress");
  });

  test("progress beyond its bounds stays within the bar", () => {
    const lines = bars([task("0", { progress: 250 }), task("0-0", { progress: -3 })], plain, 60);
    expect(lines.map((line) => line.replace(/[^█░]/g, "").length)).toEqual([28, 28]);
  });
});

describe("a tree", () => {
  const image = "https://cdn.example/boat.png";
  const tasks = [
    task("0", { imageUrl: image }),
    task("0-0", { press: "U1", imageUrl: image }),
    task("0-1", { press: "U2", status: "FAILURE", failReason: "refused" }),
    task("0-0-0", { press: "zoom:2", status: "IN_PROGRESS", progress: 40 }),
  ];

  test("shows what was pressed on what, each id whole, each end beside it", () => {
    expect(tree(tasks, plain, ROOMY)).toEqual([
      `  imagine       ✓ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0      ${image}`,
      `  ├─ U1         ✓ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-0    ${image}`,
      "  │  └─ zoom:2  … task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-0-0  in_progress 40%",
      "  └─ U2         ✗ task_01K9ZC7T3R8M2V5X0Q4B6N1JHD_0-1    refused",
    ]);
  });

  test("on a narrow screen the ends stand beneath, whole: they are there to be copied", () => {
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

  test("a lasting copy goes before the vendor's link; a description is its own end", () => {
    const copy = { url: "https://own.example/1", bytes: 1, sha256: "", contentType: "image/png", source: image };
    expect(tree([task("0", { imageUrl: image, copies: [copy] })], plain, ROOMY)[0]).toContain(copy.url);
    expect(tree([task("0", { text: "1. a boat\n2. a ship" })], plain, ROOMY)[0]).toContain("1. a boat 2. a ship");
  });

  test("of no tasks is no lines; a part of a flow has its own root", () => {
    expect(tree([], plain, 80)).toEqual([]);
    expect(
      tree([task("0-1", { press: "U2" }), task("0-1-0", { press: "zoom:2" })], plain, ROOMY).map((line) =>
        line.slice(0, 12),
      ),
    ).toEqual(["  U2        ", "  └─ zoom:2 "]);
  });
});

describe("a flow", () => {
  test("says what it costs and what wants attention", () => {
    const failure = { code: "press_not_offered", message: "The parent offers no such button.", offered: ["U1", "🔄"] };
    const tasks = [
      task("0"),
      task("0-0", { press: "zoom:custom", status: "MODAL" }),
      task("0-1", { press: "U9", status: "FAILURE", failure }),
    ];
    const text = flowLines(flow(tasks, { state: "order 7" }), plain, 200).join("\n");
    expect(text).toContain("3 submissions · 3 callbacks");
    expect(text).toContain("state order 7");
    expect(text).toContain(`? zoom:custom waits for an answer: mjflow modal ${tasks[1]!.id} --prompt …`);
    expect(text).toContain("✗ U9: offered were U1, 🔄");
  });

  test("written by others, moves no cursor", () => {
    const sequence = "\u001b[2J\u001b]0;x\u0007\u202e";
    const tasks = [task("0", { press: sequence, imageUrl: sequence, failReason: sequence, status: "FAILURE" })];
    const lines = flowLines(flow(tasks, { prompt: sequence, state: sequence, provider: sequence }), plain, 80);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Bidi_C}]/u);
  });
});

describe("a table", () => {
  const columns = [
    { name: "id", of: (row: string[]) => row[0]! },
    { name: "what", of: (row: string[]) => row[1]!, cut: true as const },
  ];
  const rows = [
    ["flow_1", "a paper boat on calm water"],
    ["flow_22", "a ship"],
  ];

  test("is aligned where there is room", () => {
    expect(table(columns, rows, plain, 80)).toEqual([
      "id       what",
      "flow_1   a paper boat on calm water",
      "flow_22  a ship",
    ]);
  });

  test("cuts what is only to be read", () => {
    expect(table(columns, rows, plain, 20)).toEqual(["id       what", "flow_1   a paper bo…", "flow_22  a ship"]);
  });

  test("stands one under the other where that is not enough: an id is never cut", () => {
    expect(table(columns, rows, plain, 12)).toEqual(["flow_1", "  what  a p…", "flow_22", "  what  a s…"]);
  });
});
