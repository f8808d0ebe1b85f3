import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { minute, NOW, second, taskIn } from "../test/sample.ts";
import type { Press } from "./plan.ts";
import { flowHintMs, HINT_FAR_MS, HINT_MAX_MS, HINT_MIN_MS, taskHintMs } from "./read-hint.ts";
import { STATUSES, type Task } from "./task.ts";
import { addDurations, expectedMs } from "./task-duration.ts";

const running = (more: Partial<Task> = {}) => taskIn("IN_PROGRESS", { submittedAt: NOW, ...more });
/** An account whose images take 75 s and whose upscales take 4 s. */
const learned = addDurations(
  undefined,
  Array.from({ length: 10 }, () => [
    { pace: "fast", action: "IMAGINE", ms: 75 * second } as const,
    { pace: "fast", action: "UPSCALE", ms: 4 * second } as const,
  ]).flat(),
  NOW,
);

describe("the hint of a task", () => {
  test("an ended task has no hint", () => {
    for (const status of ["SUCCESS", "FAILURE", "CANCEL", "EXPIRED"] as const)
      expect(taskHintMs(taskIn(status), undefined, NOW)).toBeNull();
  });

  test("the hint is the rest of the expected duration when it is below 6 s", () => {
    const task = running({ action: "UPSCALE" });
    expect(taskHintMs(task, undefined, NOW)).toBe(6 * second);
    expect(taskHintMs(task, undefined, NOW + 10 * second)).toBe(5 * second);
    expect(taskHintMs(task, undefined, NOW + 14_900)).toBe(second);
  });

  test("an overdue task has a quarter of its age, at most 6 s until its age is over 96 s", () => {
    const upscale = running({ action: "UPSCALE" });
    expect(taskHintMs(upscale, undefined, NOW + 16 * second)).toBe(4 * second);
    expect(taskHintMs(running(), undefined, NOW + 90 * second)).toBe(6 * second);
    expect(taskHintMs(running(), undefined, NOW + 4 * minute)).toBe(15 * second);
    expect(taskHintMs(running(), undefined, NOW + 30 * minute)).toBe(60 * second);
  });

  test("a task that no vendor has yet is not nearer to its end for being old", () => {
    const waiting = taskIn("PENDING", { busyAnswers: 3 });
    expect(taskHintMs(waiting, undefined, NOW + 55 * second)).toBe(taskHintMs(waiting, undefined, NOW));
    expect(taskHintMs({ ...waiting, pace: "relax" }, undefined, NOW + minute)).toBe(60 * second);
  });

  test("the age of a task begins when it is created, unless it waits: without an acceptance, or accepted before a busy time", () => {
    const unclear = taskIn("UNCLEAR", { createdAt: NOW, action: "UPSCALE" });
    expect(taskHintMs(unclear, undefined, NOW + 10 * second)).toBe(5 * second);
    const accepted = running({ status: "PENDING", action: "UPSCALE" });
    expect(taskHintMs(accepted, undefined, NOW + 10 * second)).toBe(5 * second);
    const waiting = taskIn("PENDING", { createdAt: NOW, action: "UPSCALE" });
    expect(taskHintMs(waiting, undefined, NOW + 10 * second)).toBe(6 * second);
  });

  test("a task with an open modal is not nearer to its end, and after the answer its time begins again", () => {
    const open = running({ status: "MODAL", action: "UPSCALE" });
    expect(taskHintMs(open, undefined, NOW + 10 * minute)).toBe(6 * second);
    const answered = running({ action: "UPSCALE", modals: 1, submittedAt: NOW + 10 * minute });
    expect(taskHintMs(answered, undefined, NOW + 10 * minute + 12 * second)).toBe(3 * second);
  });

  test("a task that waited ten minutes for its vendor is as young as one that was accepted at once", () => {
    const late = running({ createdAt: NOW - 10 * minute });
    expect(taskHintMs(late, learned, NOW + 50 * second)).toBe(taskHintMs(running(), learned, NOW + 50 * second));
  });

  test("for every task and every time the hint is from 1 s to 60 s, and whole", () => {
    const task = fc.record({
      status: fc.constantFrom(...STATUSES),
      pace: fc.constantFrom("fast", "turbo", "relax", "video" as const),
      action: fc.constantFrom("IMAGINE", "UPSCALE", "SOMETHING"),
      submittedAt: fc.integer({ min: NOW - 86_400_000, max: NOW + 86_400_000 }),
    });
    fc.assert(
      fc.property(task, fc.constantFrom(undefined, learned), (more, durations) => {
        const hint = taskHintMs(running(more), durations, NOW);
        if (hint === null) return;
        expect(Number.isInteger(hint)).toBe(true);
        expect(hint).toBeGreaterThanOrEqual(HINT_MIN_MS);
        expect(hint).toBeLessThanOrEqual(HINT_FAR_MS);
      }),
    );
  });

  test("a client that follows the hints reads a task n minutes long at most 9n + 5 times and sees its end in time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 * minute }),
        fc.constantFrom(undefined, learned),
        (endsIn, durations) => {
          let now = NOW;
          let reads = 0;
          for (; now < NOW + endsIn; reads++) now += taskHintMs(running(), durations, now)!;
          expect(reads).toBeLessThanOrEqual(9 * (endsIn / minute) + 5);
          const late = now - (NOW + endsIn);
          const long = Math.max(endsIn, expectedMs(durations, "fast", "IMAGINE"));
          expect(late).toBeLessThanOrEqual(Math.min(HINT_FAR_MS, Math.max(HINT_MAX_MS, long / 4)));
        },
      ),
    );
  });
});

describe("the hint of a flow", () => {
  const hint = (tasks: Task[], now = NOW, ended = false) => flowHintMs(tasks, learned, now, ended);

  test("a flow whose end is recorded has no hint; one whose end is not recorded yet has the shortest", () => {
    expect(hint([taskIn("SUCCESS")], NOW, true)).toBeNull();
    expect(hint([taskIn("SUCCESS")])).toBe(HINT_MIN_MS);
  });

  test("the plan of a running task counts: the flow ends after the longest branch", () => {
    const root = running();
    const old = NOW + 80 * second;
    const alone = hint([root], old);
    const upscales = hint([{ ...root, then: [{ press: "U1" }, { press: "U2", then: [{ press: "zoom:2" }] }] }], old);
    expect(upscales).toBeGreaterThanOrEqual(alone!);
    // Two upscales at once take as long as one.
    expect(hint([{ ...root, then: [{ press: "U1" }, { press: "U2" }] }], old)).toBe(
      hint([{ ...root, then: [{ press: "U1" }] }], old),
    );
  });

  test("of several running tasks the last end counts, and failed branches do not", () => {
    const done = taskIn("SUCCESS", { then: [{ press: "U1" }, { press: "V1" }] });
    const upscale = running({ path: "0-0", action: "UPSCALE", submittedAt: NOW - 2 * second });
    const variation = running({ path: "0-1", action: "IMAGINE", submittedAt: NOW - 70 * second });
    const failed = taskIn("FAILURE", { path: "0-1", then: [{ press: "V1" }] });
    expect(hint([done, upscale, variation])).toBeGreaterThan(hint([done, upscale, failed])!);
  });

  test("a flow whose follow-ups are not stored yet expects their duration", () => {
    const done = taskIn("SUCCESS", { then: [{ press: "U1" }] });
    expect(hint([done])).toBeGreaterThanOrEqual(4 * second);
    expect(hint([done])).toBeLessThan(6 * second);
  });

  test("the levels of a plan are added, and a video takes as long as its own pace", () => {
    const planned = (then: Press[], durations = learned) =>
      flowHintMs([taskIn("SUCCESS", { then })], durations, NOW, false)!;
    expect(planned([{ press: "U1", then: [{ press: "zoom:2" }] }])).toBeGreaterThan(planned([{ press: "zoom:2" }]));
    const video = taskHintMs(running({ pace: "video", action: "VIDEO" }), learned, NOW);
    expect(planned([{ press: "animate:high" }])).toBe(video);
    expect(video).not.toBe(taskHintMs(running({ action: "VIDEO" }), learned, NOW));
  });

  test("a flow of 75 s is read 6 or 7 times until its end", () => {
    let now = NOW;
    let reads = 0;
    for (; now < NOW + 75 * second; reads++) now += hint([running({ then: [{ press: "U1" }] })], now)!;
    expect(reads).toBeGreaterThanOrEqual(6);
    expect(reads).toBeLessThanOrEqual(7);
  });
});
