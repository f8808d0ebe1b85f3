import { describe, expect, test } from "vitest";
import { advanceTo, DURATION_MS, type Task, taskAt, timelineOf } from "./task.ts";

const START = 1_000_000;

function task(more: Partial<Task> = {}): Task {
  return {
    id: "1765432109876123",
    provider: "simulator",
    action: "IMAGINE",
    result: "grid",
    prompt: "a paper boat",
    state: null,
    notifyHook: null,
    parentId: null,
    customId: null,
    label: "",
    index: 0,
    jobId: "7c1f0b52-3d84-4e19-9a6d-51b0e2f7c8a3",
    scene: "a paper boat/1",
    botType: "MID_JOURNEY",
    mode: "FAST",
    status: "NOT_START",
    progress: null,
    failReason: null,
    submitTime: START,
    startTime: null,
    finishTime: null,
    ending: { kind: "success" },
    pace: 1,
    waiting: false,
    plan: [],
    history: [{ at: START, status: "NOT_START", progress: null }],
    ...more,
  };
}

const live = (of: Task): Task => of.plan.reduce((now, moment) => advanceTo(now, moment), of);

describe("timelineOf", () => {
  test("a timeline has ten steps in order, from SUBMITTED to SUCCESS", () => {
    const plan = timelineOf(task(), START, 1, 0.5);
    expect(plan.map((moment) => `${moment.status} ${moment.progress}`)).toEqual([
      "SUBMITTED 0%",
      "IN_PROGRESS 0%",
      "IN_PROGRESS 15%",
      "IN_PROGRESS 31%",
      "IN_PROGRESS 46%",
      "IN_PROGRESS 62%",
      "IN_PROGRESS 78%",
      "IN_PROGRESS 93%",
      "IN_PROGRESS 100%",
      "SUCCESS 100%",
    ]);
    expect(plan.map((moment) => moment.at)).toEqual(plan.map((moment) => moment.at).toSorted((a, b) => a - b));
    expect(plan.at(-1)?.at).toBe(START + DURATION_MS.IMAGINE);
  });

  test("a timeline takes no time at speed 0 and twice the time at speed 2", () => {
    expect(timelineOf(task(), START, 0, 0.9).every((moment) => moment.at === START)).toBe(true);
    expect(timelineOf(task(), START, 2, 0.5).at(-1)?.at).toBe(START + 2 * DURATION_MS.IMAGINE);
  });

  test("the timeline of a stuck task has no end", () => {
    expect(timelineOf(task({ ending: { kind: "stuck" } }), START, 1, 0.5).at(-1)?.progress).toBe("93%");
  });
});

describe("advanceTo and taskAt", () => {
  test("a failed task has a reason, empty progress and an empty timeline", () => {
    const ending = { kind: "failure", share: 0.4, reason: "no" } as const;
    const failed = task({ ending });
    const done = live({ ...failed, plan: timelineOf(failed, START, 1, 0.5) });
    expect(done).toMatchObject({ status: "FAILURE", failReason: "no", progress: "", plan: [] });
    expect(done.finishTime).toBe(START + 0.4 * DURATION_MS.IMAGINE);
  });

  test("taskAt returns a past state, as a lagging relay shows it", () => {
    const started = task();
    const done = live({ ...started, plan: timelineOf(started, START, 1, 0.5) });
    expect(taskAt(done, START - 1)).toBeUndefined();
    expect(taskAt(done, START)).toMatchObject({ status: "NOT_START", startTime: null, finishTime: null });
    expect(taskAt(done, START + 1_300)).toMatchObject({
      status: "IN_PROGRESS",
      finishTime: null,
      startTime: START + 100,
    });
    expect(taskAt(done, START + 2_500)).toBe(done);
  });
});
