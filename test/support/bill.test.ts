import type { CallbackPost, Submission } from "@mjflow/simulator/ledger";
import { describe, expect, test } from "vitest";
import { billOf } from "./bill.ts";

const GRACE = 3_000;
let seq = 0;

function press(taskId: string | null, attempt: number, at: number, more: Partial<Submission> = {}): Submission {
  const row = { seq: ++seq, at, provider: "xfusionai", verb: "action", parentId: "1", customId: "U1", taskId };
  return { ...row, state: `FLOW_0-0_${attempt}`, outcome: "accepted", ...more } as Submission;
}

function callback(taskId: string, outcome: CallbackPost["outcome"]): CallbackPost {
  return { seq: ++seq, taskId, outcome } as CallbackPost;
}

const bill = (submissions: Submission[], callbacks: CallbackPost[] = [], known = new Map<string, number>()) =>
  billOf({ submissions, callbacks }, { graceMs: GRACE, known });

test("each press paid once is neither doubled nor sent again; nor is one that was busy, refused, or a window's answer", () => {
  const rows = [
    press(null, 1, 0, { outcome: "busy" }),
    press("10", 1, 100),
    press("10", 1, 200, { verb: "modal" }),
    press("11", 1, 300, { customId: "U2", state: "FLOW_0-1_1" }),
  ];
  expect(bill(rows)).toEqual({ doubled: [], resent: [] });
});

test("the next attempt, after the grace, with nothing heard of the one before, is sent again by policy", () => {
  const rows = [press("10", 1, 0), press("11", 2, GRACE)];
  const lost = ["lost", "refused", "unreachable"] as const;
  expect(
    bill(
      rows,
      lost.map((outcome) => callback("10", outcome)),
    ),
  ).toEqual({
    doubled: [],
    resent: [{ taskId: "task_FLOW_0-0", attempt: 2, isPress: true }],
  });
});

test("what became known only afterwards excuses nothing and blames nobody", () => {
  const rows = [press("10", 1, 0), press("11", 2, GRACE)];
  const after = [callback("10", "delivered")];
  expect(bill(rows, after, new Map([["10", seq]]))).toMatchObject({ doubled: [], resent: [{}] });
});

describe("is a doubling", () => {
  test("the same attempt, paid twice", () => {
    expect(bill([press("10", 1, 0), press("11", 1, 9_000)]).doubled).toEqual([
      "task_FLOW_0-0 attempt 1: after attempt 1",
    ]);
  });

  test("an attempt sent within the grace", () => {
    expect(bill([press("10", 1, 0), press("11", 2, GRACE - 1)]).doubled).toHaveLength(1);
  });

  test("an attempt sent after a callback had told of the one before", () => {
    const first = press("10", 1, 0);
    const told = callback("10", "delivered");
    expect(bill([first, press("11", 2, GRACE)], [told]).doubled).toEqual([
      "task_FLOW_0-0 attempt 2: a callback had told of 10",
    ]);
  });

  test("an attempt sent after our own API had shown the vendor's id of the one before", () => {
    const first = press("10", 1, 0);
    const known = new Map([["10", first.seq]]);
    expect(bill([first, press("11", 2, GRACE)], [], known).doubled).toEqual(["task_FLOW_0-0 attempt 2: 10 was known"]);
  });

  test("one button of one task, pressed for two tasks, however far apart", () => {
    const rows = [press("10", 1, 0), press("11", 1, 60_000, { state: "FLOW_0-3_1" })];
    expect(bill(rows)).toEqual({
      doubled: ["U1 of 1 at xfusionai was pressed for task_FLOW_0-0 and task_FLOW_0-3"],
      resent: [],
    });
  });

  test("a third attempt, when the second was known", () => {
    const [first, second] = [press("10", 1, 0), press("11", 2, GRACE)];
    const told = callback("11", "delivered");
    const { doubled, resent } = bill([first, second, press("12", 3, 2 * GRACE)], [told]);
    expect([doubled.length, resent.length]).toEqual([1, 1]);
  });
});

test("a submission that does not carry our mark is a mistake of ours, not a bill", () => {
  expect(() => bill([press("10", 1, 0, { state: null })])).toThrow(/without our mark/);
});
