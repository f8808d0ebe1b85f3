/** A modal answer before the modal opens: it is stored with the task, sent when the modal opens, and sent only once. */
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
  lookupMiss,
  modalOpened,
  NOW,
  pending,
  play,
  type Step,
  taskIn,
  unclear,
} from "../test/sample.ts";
import type { Signal } from "./state.ts";
import { decide } from "./state.ts";
import { TIMINGS } from "./timing.ts";

const prompt = "the same boat --zoom 1.5";
const answer: Signal = { kind: "answer", modal: { prompt } };
const late: Signal = { kind: "answer", modal: { prompt: "another" } };
const LEASE_OVER = TIMINGS.leaseMs + 1;
const GRACE_OVER = TIMINGS.graceMs.fast + 1;

/** Signal sequences that open a modal. A client can answer before each of their steps. */
const sequences: [string, Step[]][] = [
  ["the submit response opens the modal", [claim, modalOpened()]],
  ["a callback before the submit response opens the modal", [claim, callback("MODAL"), accepted()]],
  [
    "a relay hides the modal behind code 1 and a look-up finds it",
    [claim, accepted(), TIMINGS.quietMs.fast, due, lookup("MODAL")],
  ],
  ["the submit response is lost and a callback opens the modal", [claim, unclear(), callback("MODAL")]],
  ["the worker crashes and a callback opens the modal", [claim, LEASE_OVER, due, callback("MODAL")]],
  ["the vendor is busy first", [claim, busy(), claim, modalOpened()]],
  [
    "the first submission is lost and the second opens the modal",
    [claim, unclear(), GRACE_OVER, lookupMiss, lookupMiss, claim, modalOpened(2)],
  ],
];
const cases = sequences.flatMap(([name, steps]) =>
  steps.map((_, at): [string, number, Step[]] => [name, at, [...steps.slice(0, at), answer, ...steps.slice(at)]]),
);

describe("modal answer before the modal opens", () => {
  it.each(cases)("if %s and the app answers before step %i, its answer is sent once", (_, __, steps) => {
    const { task } = play(pending(), ...steps);
    expect(task).toMatchObject({ status: "MODAL", modal: { prompt }, modals: 0 });
    const sent = play(task, claim);
    expect(effects(sent.last)).toEqual(["call"]);
    expect(sent.task).toMatchObject({ status: "SUBMITTING", phase: "modal", modals: 1, modal: { prompt } });
  });

  it("storing the answer changes neither the status nor the due time and sends no message", () => {
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

  it("a second answer is ignored in every status", () => {
    for (const [, steps] of sequences) {
      for (let at = 0; at <= steps.length; at++) {
        const { task, last } = play(pending(), answer, ...steps.slice(0, at), late);
        expect(last.kind).toBe("ignore");
        expect(task.modal).toEqual({ prompt });
      }
    }
  });

  it("a task without a modal runs as if no answer was given", () => {
    const { task } = play(pending(), answer, claim, accepted(), callback("IN_PROGRESS"), callback("SUCCESS"));
    expect(task).toMatchObject({ status: "SUCCESS", attempt: 1, modals: 0, phase: "submit" });
  });

  it("an answer is ignored when the task is in progress or has ended", () => {
    for (const status of ["IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "EXPIRED"] as const) {
      expect(decide(taskIn(status), answer, ctx()).kind, status).toBe("ignore");
    }
  });

  it("an answer is ignored while or after the first answer is sent", () => {
    const sent = play(pending(), answer, claim, modalOpened(), claim).task;
    for (const after of [[], [accepted()], [unclear()], [busy()]] as Signal[][]) {
      expect(play(sent, ...after, late).last.kind).toBe("ignore");
    }
  });
});
