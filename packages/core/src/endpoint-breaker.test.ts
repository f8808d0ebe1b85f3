import { describe, expect, it } from "vitest";
import { NOW } from "../test/sample.ts";
import {
  type EndpointBreaker,
  endpointBreakerState,
  FAULTS_TO_OPEN,
  isReceiverFault,
  recordReceiverFault,
  recordReceiverSuccess,
  startEndpointTrial,
} from "./endpoint-breaker.ts";

function failing(times: number, from: EndpointBreaker = {}, now = NOW): EndpointBreaker {
  let breaker = from;
  for (let i = 0; i < times; i++) breaker = recordReceiverFault(breaker, now) ?? breaker;
  return breaker;
}

describe("circuit breaker of an endpoint", () => {
  it("opens after five faults in a row, for 30 s", () => {
    expect(FAULTS_TO_OPEN).toBe(5);
    expect(endpointBreakerState(failing(4), NOW)).toBe("closed");
    const open = failing(5);
    expect(open).toEqual({ faults: 5, opens: 1, openUntil: NOW + 30_000, trial: undefined });
    expect(endpointBreakerState(open, NOW + 29_999)).toBe("open");
    expect(endpointBreakerState(open, NOW + 30_000)).toBe("half-open");
  });

  it("a success between faults starts the count again", () => {
    const success = recordReceiverSuccess(failing(4))!;
    expect(endpointBreakerState(failing(4, success), NOW)).toBe("closed");
  });

  it("a success without earlier faults writes nothing", () => {
    expect(recordReceiverSuccess({})).toBeUndefined();
  });

  it("faults of events that were posted before the opening write nothing", () => {
    expect(recordReceiverFault(failing(5), NOW + 1)).toBeUndefined();
  });

  it("each failed trial doubles the open time, up to ten minutes, and a success closes the breaker", () => {
    let breaker = failing(5);
    const openTimes: number[] = [];
    for (let i = 0; i < 6; i++) {
      const now = breaker.openUntil!;
      const trial = startEndpointTrial(breaker, now);
      expect(endpointBreakerState(trial, now + 1)).toBe("open");
      breaker = recordReceiverFault(trial, now + 1)!;
      openTimes.push((breaker.openUntil! - now - 1) / 1_000);
    }
    expect(openTimes).toEqual([60, 120, 240, 480, 600, 600]);
    expect(recordReceiverSuccess(breaker)).toEqual({});
  });

  it("a failed trial opens the breaker, whatever the number of faults in the row is", () => {
    const halfOpen = { faults: 1, opens: 1, openUntil: NOW };
    expect(recordReceiverFault(halfOpen, NOW)).toMatchObject({ opens: 2, openUntil: NOW + 60_000 });
  });

  it("a success writes a row that has only faults or only an open time, and keeps its other fields", () => {
    for (const row of [{ faults: 1 }, { openUntil: NOW }]) {
      expect(recordReceiverSuccess({ ...row, id: "ep_1" })).toEqual({ id: "ep_1" });
    }
  });

  it("after a trial whose worker crashed another trial is possible", () => {
    const open = failing(5);
    const trial = startEndpointTrial(open, open.openUntil!);
    expect(endpointBreakerState(trial, trial.openUntil!)).toBe("half-open");
  });
});

describe("faults of a receiver", () => {
  const answered = (status: number) => ({ kind: "answered" as const, status, body: "", tookMs: 1 });

  it("no response, a 5xx and an overload are faults", () => {
    expect(isReceiverFault({ kind: "unreachable", why: "timeout", tookMs: 3_000 })).toBe(true);
    for (const status of [408, 425, 429, 500, 503]) expect(isReceiverFault(answered(status))).toBe(true);
  });

  it("a success, another 4xx and a forbidden address are no faults", () => {
    for (const status of [200, 302, 400, 404, 410, 422]) expect(isReceiverFault(answered(status))).toBe(false);
    expect(isReceiverFault({ kind: "forbidden", why: "private address" })).toBe(false);
  });
});
