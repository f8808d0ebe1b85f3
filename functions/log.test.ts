import { expect, test } from "vitest";
import { createLog } from "./log.ts";

function logged(stage?: string) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, log: createLog({ name: "callback", level: "info", stage, write, now: () => 86_400_000 }) };
}

test("the counts of an invocation are written as one metrics line with stage and function", () => {
  const { lines, log } = logged("production");
  log.count("Callbacks");
  log.count("Callbacks", 2);
  log.count("Duplicates", 0);
  log.count("Late");
  log.flush();
  expect(lines).toEqual([
    {
      _aws: {
        Timestamp: 86_400_000,
        CloudWatchMetrics: [
          {
            Namespace: "mjflow",
            Dimensions: [["Stage", "Function"]],
            Metrics: [
              { Name: "Callbacks", Unit: "Count" },
              { Name: "Late", Unit: "Count" },
            ],
          },
        ],
      },
      Stage: "production",
      Function: "callback",
      Callbacks: 3,
      Late: 1,
    },
  ]);
});

test("the usual metrics alone are written at most every 30 s, any other metric is written at once", () => {
  const clock = { ms: 0 };
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createLog({ name: "callback", level: "info", stage: "production", write, now: () => clock.ms });
  const linesAfter = (...names: Parameters<typeof log.count>[0][]) => {
    for (const name of names) log.count(name);
    log.flush();
    return lines.splice(0);
  };
  expect(linesAfter("Callbacks", "CallbacksDropped"), "the first flush of a container").toHaveLength(1);
  clock.ms += 29_999;
  expect(linesAfter("Callbacks", "CallbacksDropped")).toEqual([]);
  expect(linesAfter("Callbacks", "CallbacksRefused")).toMatchObject([
    { Callbacks: 2, CallbacksDropped: 1, CallbacksRefused: 1 },
  ]);
  expect(linesAfter("Callbacks", "FlowsEnded", "FollowUps", "Submissions", "Told", "Deliveries")).toEqual([]);
  clock.ms += 30_000;
  expect(linesAfter("Callbacks")).toMatchObject([{ Callbacks: 2, FlowsEnded: 1, Submissions: 1, Told: 1 }]);
});

test("a second flush does not write the same counts again", () => {
  const { lines, log } = logged("production");
  log.count("Callbacks");
  log.flush();
  log.flush();
  expect(lines).toHaveLength(1);
});

test("without a stage no metrics are written, but events are", () => {
  const { lines, log } = logged();
  log.count("Callbacks");
  log.warn("callback.unreadable", { flow: "flow_1" });
  log.flush();
  const time = "1970-01-02T00:00:00.000Z";
  expect(lines).toEqual([{ time, level: "warn", function: "callback", event: "callback.unreadable", flow: "flow_1" }]);
});
