/** An answer before its window: kept with the task, sent the moment the window opens, and never more than once. */
import { describe, expect, it } from "vitest";
import {
  accepted,
  busy,
  callback,
  claim,
  ctx,
  due,
  effects,
  lookup,
  missing,
  NOW,
  pending,
  play,
  type Step,
  taskIn,
  unclear,
  windowOf,
} from "../test/sample.ts";
import type { Signal } from "./state.ts";
import { decide } from "./state.ts";
import { TIMINGS } from "./timing.ts";

const prompt = "the same boat --zoom 1.5";
const answer: Signal = { kind: "answer", modal: { prompt } };
const late: Signal = { kind: "answer", modal: { prompt: "another" } };
const LEASE_OVER = TIMINGS.leaseMs + 1;
const GRACE_OVER = TIMINGS.graceMs.fast + 1;

/** Ways to a window, each with the moments before it at which a client may already have answered. */
const stories: [string, Step[]][] = [
  ["the vendor's answer opens it", [claim, windowOf()]],
  ["a callback opens it, ahead of the vendor's answer", [claim, callback("MODAL"), accepted()]],
  [
    "a relay hid it behind code 1, and a look-up finds it",
    [claim, accepted(), TIMINGS.quietMs.fast, due, lookup("MODAL")],
  ],
  ["the answer was lost, and the callback tells", [claim, unclear(), callback("MODAL")]],
  ["the worker died, and the callback tells", [claim, LEASE_OVER, due, callback("MODAL")]],
  ["the vendor was busy first", [claim, busy(), claim, windowOf()]],
  [
    "the first submission was lost without a trace",
    [claim, unclear(), GRACE_OVER, missing, missing, claim, windowOf(2)],
  ],
];
const moments = stories.flatMap(([name, steps]) =>
  steps.map((_, at): [string, number, Step[]] => [name, at, [...steps.slice(0, at), answer, ...steps.slice(at)]]),
);

describe("an answer before its window", () => {
  it.each(moments)("%s, answered before step %i: one answer is sent, the app's", (_, __, steps) => {
    const { task } = play(pending(), ...steps);
    expect(task).toMatchObject({ status: "MODAL", modal: { prompt }, modals: 0 });
    const sent = play(task, claim);
    expect(effects(sent.last)).toEqual(["call"]);
    expect(sent.task).toMatchObject({ status: "SUBMITTING", phase: "modal", modals: 1, modal: { prompt } });
  });

  it("is a note on the row: no move, no message, no clock of its own", () => {
    for (const status of ["PENDING", "SUBMITTING", "UNCLEAR", "SUBMITTED"] as const) {
      const task = taskIn(status, { leaseUntil: status === "SUBMITTING" ? NOW + 1_000 : undefined });
      const decision = decide(task, answer, ctx());
      expect(decision).toMatchObject({
        kind: "record",
        effects: [],
        next: { status, due: task.due, modal: { prompt } },
      });
      expect(decision.kind === "record" && decision.next.leaseUntil).toBe(task.leaseUntil);
    }
  });

  it("is given once: the second changes nothing, wherever the task is by then", () => {
    for (const [, steps] of stories) {
      for (let at = 0; at <= steps.length; at++) {
        const { task, last } = play(pending(), answer, ...steps.slice(0, at), late);
        expect(last.kind).toBe("ignore");
        expect(task.modal).toEqual({ prompt });
      }
    }
  });

  it("opens no window: a task that needs none runs as if nothing had been said", () => {
    const { task } = play(pending(), answer, claim, accepted(), callback("IN_PROGRESS"), callback("SUCCESS"));
    expect(task).toMatchObject({ status: "SUCCESS", attempt: 1, modals: 0, phase: "submit" });
  });

  it("comes too late once the picture is forming, and after the end", () => {
    for (const status of ["IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"] as const) {
      expect(decide(taskIn(status), answer, ctx()).kind, status).toBe("ignore");
    }
  });

  it("does not follow an answer that is on its way, or was sent", () => {
    const sent = play(pending(), answer, claim, windowOf(), claim).task;
    for (const after of [[], [accepted()], [unclear()], [busy()]] as Signal[][]) {
      expect(play(sent, ...after, late).last.kind).toBe("ignore");
    }
  });
});
