import { describe, expect, test } from "vitest";
import {
  addReplayCounts,
  claimReplay,
  endReplay,
  isReplayEnded,
  isReplayId,
  leftOf,
  newReplay,
  postponeOverdueReplay,
  REPLAY_LEASE_MS,
  type Replay,
  recordReplayPage,
  releaseReplay,
  replayIdOf,
} from "./replay.ts";

const NOW = 1_700_000_000_000;
const replay = (more: Partial<Replay> = {}): Replay => ({
  ...newReplay(
    { appId: "app_a", id: replayIdOf(NOW, new Uint8Array(10)), listener: "ep_1", only: "all", since: 0, until: NOW },
    NOW,
  ),
  ...more,
});

describe("a claim of a step (D11)", () => {
  test("sets a lease, and a second claim gets nothing until the lease has ended", () => {
    const claimed = claimReplay(replay(), NOW)!;
    expect(claimed).toMatchObject({ leaseUntil: NOW + REPLAY_LEASE_MS, due: NOW + REPLAY_LEASE_MS });
    expect(claimReplay(claimed, NOW + REPLAY_LEASE_MS - 1)).toBeUndefined();
    expect(claimReplay(claimed, NOW + REPLAY_LEASE_MS)).toBeDefined();
  });

  test("gets nothing from a replay that has ended or waits", () => {
    for (const status of ["completed", "canceled", "failed"] as const)
      expect(claimReplay(endReplay(replay(), status, NOW), NOW)).toBeUndefined();
    const waiting = releaseReplay(replay(), NOW + 5, { hasMessage: true, isWaiting: true });
    expect(waiting).toMatchObject({ waitsUntil: NOW + 5, due: NOW + 5 + 30_000 });
    expect(claimReplay(waiting, NOW + 4)).toBeUndefined();
    expect(claimReplay(waiting, NOW + 5)).toMatchObject({ waitsUntil: undefined });
  });

  test("without a message the due time is the time of the next step", () => {
    const released = releaseReplay(replay(), NOW + 5, { hasMessage: false, isWaiting: false });
    expect(released).toMatchObject({ due: NOW + 5, waitsUntil: undefined });
    expect(postponeOverdueReplay(released, NOW + 9)).toMatchObject({ due: NOW + 9 + 30_000, leaseUntil: NOW + 5 });
  });
});

describe("a page", () => {
  test("moves the position and the counts together; the last page of the count begins the sending", () => {
    const counted = recordReplayPage(replay(), { found: 3, cursor: "c" }, NOW);
    expect(counted).toMatchObject({ status: "counting", found: 3, cursor: "c" });
    const sending = recordReplayPage(counted, { found: 2 }, NOW);
    expect(sending).toMatchObject({ status: "sending", found: 5, cursor: undefined });
    const sent = recordReplayPage(sending, { sent: 2, failed: 1, skipped: 1, cursor: "d" }, NOW);
    expect(sent).toMatchObject({ status: "sending", sent: 2, failed: 1, skipped: 1, cursor: "d" });
    expect(leftOf(sent)).toBe(1);
  });

  test("the last page completes the replay: what it found and did not handle was skipped", () => {
    const ended = recordReplayPage(replay({ status: "sending", found: 5, sent: 2 }), { sent: 1 }, NOW + 1);
    expect(ended).toMatchObject({ status: "completed", found: 5, sent: 3, skipped: 2, endedAt: NOW + 1 });
    expect(ended.due).toBeUndefined();
    expect(leftOf(ended)).toBe(0);
  });

  test("deliveries that came after the count are found too", () => {
    const ended = recordReplayPage(replay({ status: "sending", found: 1, sent: 1 }), { sent: 2, failed: 1 }, NOW);
    expect(ended).toMatchObject({ found: 4, sent: 3, failed: 1, skipped: 0 });
  });

  test("of a replay that was canceled meanwhile adds its counts and does not open it again", () => {
    const canceled = endReplay(replay({ status: "sending", found: 9, sent: 1, leaseUntil: NOW + 7 }), "canceled", NOW);
    expect(canceled).toMatchObject({ found: 9, skipped: 0, leaseUntil: NOW + 7 });
    const counted = recordReplayPage(canceled, { sent: 3, cursor: "c" }, NOW);
    expect(counted).toMatchObject({ status: "canceled", sent: 4, endedAt: NOW, cursor: undefined });
    expect(isReplayEnded(counted)).toBe(true);
    expect(leftOf(counted)).toBe(5);
  });

  test("counts without a change of the position leave status and cursor", () => {
    const job = replay({ status: "sending", cursor: "c", found: 4 });
    expect(addReplayCounts(job, { found: 1, sent: 1, failed: 2, skipped: 3 })).toEqual({
      ...job,
      found: 5,
      sent: 1,
      failed: 2,
      skipped: 3,
    });
  });
});

test("an end as failed says why", () => {
  expect(endReplay(replay(), "failed", NOW, "endpoint_deleted")).toMatchObject({ failure: "endpoint_deleted" });
});

test("an id of a replay has the prefix and a ULID", () => {
  expect(isReplayId(replayIdOf(NOW, new Uint8Array(10)))).toBe(true);
  for (const id of [
    "rpl_1",
    "ep_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
    "x rpl_01K9ZC7T3R8M2V5X0Q4B6N1JHD",
    "rpl_01K9ZC7T3R8M2V5X0Q4B6N1JHDA",
  ])
    expect(isReplayId(id)).toBe(false);
});
