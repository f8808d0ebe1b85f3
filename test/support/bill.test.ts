import type { CallbackPost, Submission } from "@mjflow/simulator/ledger";
import { describe, expect, test } from "vitest";
import { billOf } from "./bill.ts";

const GRACE = 3_000;
let seq = 0;

function press(taskId: string | null, attempt: number, at: number, more: Partial<Submission> = {}): Submission {
  const row = { seq: ++seq, at, provider: "xfusionai", verb: "action", parentId: "1", customId: "U1", taskId };
  return { ...row, state: `FLOW_0-0_${attempt}`, outcome: "accepted", ...more } as Submission;
}

function callback(
  taskId: string,
  outcome: CallbackPost["outcome"],
  status: CallbackPost["status"] = "SUCCESS",
): CallbackPost {
  return { seq: ++seq, taskId, outcome, status } as CallbackPost;
}

const bill = (submissions: Submission[], callbacks: CallbackPost[] = [], known = new Map<string, number>()) =>
  billOf({ submissions, callbacks }, { graceMs: GRACE, known });

test("presses that are paid once are not reported, even with a busy response or a modal answer", () => {
  const rows = [
    press(null, 1, 0, { outcome: "busy" }),
    press("10", 1, 100),
    press("10", 1, 200, { verb: "modal" }),
    press("11", 1, 300, { customId: "U2", state: "FLOW_0-1_1" }),
  ];
  expect(bill(rows)).toEqual({ doubled: [], resent: [] });
});

test("an attempt after the grace period, without any report of the earlier one, is a resubmission by policy", () => {
  const rows = [press("10", 1, 0), press("11", 2, GRACE)];
  const lost = ["lost", "refused", "unreachable"] as const;
  expect(
    bill(
      rows,
      lost.map((outcome) => callback("10", outcome)),
    ),
  ).toEqual({
    doubled: [],
    resent: [{ taskId: "task_FLOW_0-0", attempt: 2, isPress: true, afterProgress: false }],
  });
});

test("an attempt after progress of the earlier one is a resubmission, because progress is not stored", () => {
  const first = press("10", 1, 0);
  const progress = callback("10", "delivered", "IN_PROGRESS");
  expect(bill([first, press("11", 2, GRACE)], [progress])).toMatchObject({
    doubled: [],
    resent: [{ attempt: 2, afterProgress: true }],
  });
});

test("a submission is not doubled if the callback about the earlier one arrives only after it", () => {
  const rows = [press("10", 1, 0), press("11", 2, GRACE)];
  const after = [callback("10", "delivered")];
  expect(bill(rows, after, new Map([["10", seq]]))).toMatchObject({ doubled: [], resent: [{}] });
});

describe("doubled submissions", () => {
  test("the same attempt paid twice is doubled", () => {
    expect(bill([press("10", 1, 0), press("11", 1, 9_000)]).doubled).toEqual([
      "task_FLOW_0-0 attempt 1: after attempt 1",
    ]);
  });

  test("an attempt within the grace period of the earlier one is doubled", () => {
    expect(bill([press("10", 1, 0), press("11", 2, GRACE - 1)]).doubled).toHaveLength(1);
  });

  test("an attempt after a callback about the earlier one is doubled", () => {
    const first = press("10", 1, 0);
    const reported = callback("10", "delivered");
    expect(bill([first, press("11", 2, GRACE)], [reported]).doubled).toEqual([
      "task_FLOW_0-0 attempt 2: a callback had reported SUCCESS of 10",
    ]);
  });

  test("an attempt is doubled if our API had already shown the vendor's id of the earlier one", () => {
    const first = press("10", 1, 0);
    const known = new Map([["10", first.seq]]);
    expect(bill([first, press("11", 2, GRACE)], [], known).doubled).toEqual(["task_FLOW_0-0 attempt 2: 10 was known"]);
  });

  test("one button of one task that is pressed for two tasks is doubled, at any time distance", () => {
    const rows = [press("10", 1, 0), press("11", 1, 60_000, { state: "FLOW_0-3_1" })];
    expect(bill(rows)).toEqual({
      doubled: ["U1 of 1 at xfusionai was pressed for task_FLOW_0-0 and task_FLOW_0-3"],
      resent: [],
    });
  });

  test("a third attempt is doubled if a callback had reported the second", () => {
    const [first, second] = [press("10", 1, 0), press("11", 2, GRACE)];
    const reported = callback("11", "delivered");
    const { doubled, resent } = bill([first, second, press("12", 3, 2 * GRACE)], [reported]);
    expect([doubled.length, resent.length]).toEqual([1, 1]);
  });
});

test("a submission without our state throws an error", () => {
  expect(() => bill([press("10", 1, 0, { state: null })])).toThrow(/without our state/);
});
