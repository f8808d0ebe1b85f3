import { describe, expect, it } from "vitest";
import { hour, NOW } from "../test/sample.ts";
import {
  activeSecrets,
  afterDeliveryAttempt,
  beginRecovery,
  combinedEventMask,
  DISABLE_AFTER_FAILING_MS,
  type Endpoint,
  endpointIdOf,
  endRecoveryStart,
  isEnabled,
  isParking,
  PARK_REACHES_MS,
  reenabled,
  SECRET_OVERLAP_MS,
  startTrial,
  subscribedEvents,
  takeBackParked,
  withClosedBreaker,
  withRotatedSecret,
} from "./endpoint.ts";
import { FAULTS_TO_OPEN } from "./endpoint-breaker.ts";
import { DEFAULT_EVENTS, eventMaskOf } from "./event.ts";

const endpoint: Endpoint = {
  appId: "app_a",
  id: "ep_1",
  rev: 3,
  url: "https://app.example/hook",
  scheme: "v1",
  secrets: [{ sealed: "newest" }],
  createdAt: NOW,
};
const disabled: Endpoint = { ...endpoint, disabledAt: NOW, disabledWhy: "by_app" };

it("an endpoint id is made of the time and random bytes, like a flow id", () => {
  expect(endpointIdOf(NOW, new Uint8Array(10).fill(255))).toMatch(/^ep_[0-9A-Z]{10}Z{16}$/);
});

it("the default overlap is one day, and an endpoint is disabled after five days of only failures", () => {
  expect([SECRET_OVERLAP_MS, DISABLE_AFTER_FAILING_MS]).toEqual([24 * hour, 120 * hour]);
});

describe("subscribed events of endpoints", () => {
  it("an endpoint without a filter receives every event except progress", () => {
    expect(subscribedEvents(endpoint)).toBe(DEFAULT_EVENTS);
    expect(subscribedEvents({ events: ["task.progress"] })).toEqual(["task.progress"]);
  });

  it("the event mask of an app combines its endpoints, except disabled ones and those without a URL", () => {
    const progress: Endpoint = { ...endpoint, events: ["task.progress"] };
    const modal: Endpoint = { ...endpoint, events: ["task.modal"] };
    expect(combinedEventMask([progress, modal])).toBe(eventMaskOf(["task.progress", "task.modal"]));
    expect(combinedEventMask([{ ...progress, disabledAt: NOW }, modal])).toBe(eventMaskOf(["task.modal"]));
    expect(combinedEventMask([{ ...progress, url: undefined }, modal])).toBe(eventMaskOf(["task.modal"]));
    expect(combinedEventMask([])).toBe(0);
  });
});

describe("signing secrets", () => {
  const old: Endpoint = { ...endpoint, secrets: [{ sealed: "b" }, { sealed: "a", until: NOW + 5 }] };
  const sealed = (of: { sealed: string }[]) => of.map((secret) => secret.sealed);

  it("an earlier secret signs until its overlap ends", () => {
    expect(sealed(activeSecrets(old, NOW + 4))).toEqual(["b", "a"]);
    expect(sealed(activeSecrets(old, NOW + 5))).toEqual(["b"]);
  });

  it("after a rotation the new secret is first, and no earlier secret is valid longer than before", () => {
    const next = withRotatedSecret(old, "c", "whpk_c", NOW, hour);
    expect(next).toEqual({
      ...endpoint,
      publicKey: "whpk_c",
      secrets: [{ sealed: "c" }, { sealed: "b", until: NOW + hour }, { sealed: "a", until: NOW + 5 }],
    });
  });

  it("a rotation without overlap removes all earlier secrets at once", () => {
    expect(withRotatedSecret(old, "c", undefined, NOW, 0).secrets).toEqual([{ sealed: "c" }]);
  });

  it("repeated rotations keep at most three secrets", () => {
    const often = ["c", "d", "e", "f"].reduce((each, name) => withRotatedSecret(each, name, undefined, NOW, hour), old);
    expect(sealed(often.secrets)).toEqual(["f", "e", "d"]);
  });
});

describe("afterDeliveryAttempt", () => {
  const failing: Endpoint = { ...endpoint, failingSince: NOW };

  it("a success clears failingSince, and nothing is written if it was not set", () => {
    expect(afterDeliveryAttempt(failing, "delivered", NOW + 1)).toEqual({ ...endpoint, failingSince: undefined });
    expect(afterDeliveryAttempt(endpoint, "delivered", NOW)).toBeUndefined();
  });

  it("the first failure sets failingSince, and five days of only failures disable the endpoint", () => {
    expect(afterDeliveryAttempt(endpoint, "failed", NOW)).toEqual(failing);
    expect(afterDeliveryAttempt(failing, "failed", NOW + DISABLE_AFTER_FAILING_MS - 1)).toBeUndefined();
    const at = NOW + DISABLE_AFTER_FAILING_MS;
    expect(afterDeliveryAttempt(failing, "failed", at)).toEqual({ ...failing, disabledAt: at, disabledWhy: "failing" });
  });

  it("a fault also counts for the circuit breaker, another failure does not", () => {
    expect(afterDeliveryAttempt(endpoint, "fault", NOW)).toEqual({ ...failing, faults: 1 });
    expect(afterDeliveryAttempt(failing, "fault", NOW + 1)).toEqual({ ...failing, faults: 1 });
    expect(afterDeliveryAttempt(failing, "failed", NOW + 1)).toBeUndefined();
  });

  it("a prompt answer other than a success closes a breaker that is not closed, and the endpoint still counts as failing", () => {
    const open = { ...failing, faults: 5, opens: 2, openUntil: NOW, trial: true };
    expect(afterDeliveryAttempt(open, "rejected", NOW + 1)).toEqual(failing);
    expect(afterDeliveryAttempt({ ...open, parkedFrom: 5 }, "rejected", NOW + 1)).toEqual({
      ...failing,
      parkedFrom: 5,
      due: NOW + 1,
    });
    // Nothing was sent to a forbidden address, so nothing is known about the receiver.
    expect(afterDeliveryAttempt(open, "failed", NOW + 1)).toBeUndefined();
    expect(afterDeliveryAttempt({ ...failing, faults: 2 }, "rejected", NOW + 1)).toBeUndefined();
  });

  it("an endpoint that is enabled again has no earlier failures and a closed breaker", () => {
    const open = { faults: 5, opens: 1, openUntil: NOW, trial: true };
    expect(reenabled({ ...disabled, ...open, failingSince: NOW }, NOW)).toEqual(endpoint);
    // What is parked is sent at once.
    expect(reenabled({ ...disabled, ...open, parkedFrom: 5 }, NOW)).toEqual({ ...endpoint, parkedFrom: 5, due: NOW });
  });

  it("a response 410 disables the endpoint at once", () => {
    expect(afterDeliveryAttempt(endpoint, "gone", NOW)).toEqual({ ...endpoint, disabledAt: NOW, disabledWhy: "gone" });
  });

  it("a disabled endpoint does not change after further failures", () => {
    expect([isEnabled(endpoint), isEnabled(disabled)]).toEqual([true, false]);
    for (const tried of ["gone", "failed"] as const)
      expect(afterDeliveryAttempt(disabled, tried, NOW + 1)).toBeUndefined();
  });
});

describe("parked events (D12)", () => {
  const atFault = { ...endpoint, failingSince: NOW, faults: FAULTS_TO_OPEN - 1 };
  const open = afterDeliveryAttempt(atFault, "fault", NOW)!;

  it("the fault that opens the breaker begins to park, for flows of the last half hour, and makes the endpoint due", () => {
    expect(open).toMatchObject({ opens: 1, parkedFrom: NOW - PARK_REACHES_MS, due: open.openUntil });
    expect(afterDeliveryAttempt({ ...atFault, faults: 1 }, "fault", NOW)).not.toHaveProperty("parkedFrom");
    expect(isParking(open, { createdAt: NOW - PARK_REACHES_MS })).toBe(true);
    expect(isParking(open, { createdAt: NOW - PARK_REACHES_MS - 1 })).toBe(false);
    expect(isParking(endpoint, { createdAt: NOW })).toBe(false);
  });

  it("a trial parks what comes meanwhile, and a later start never moves the earlier one forward", () => {
    const trial = startTrial(open, NOW + hour);
    expect(trial).toMatchObject({ trial: true, parkedFrom: NOW - PARK_REACHES_MS, due: trial.openUntil });
    expect(startTrial({ ...open, parkedFrom: undefined }, NOW + hour).parkedFrom).toBe(NOW + hour - PARK_REACHES_MS);
  });

  it("a success makes the endpoint due at once, and one without parked events stays without a due time", () => {
    expect(afterDeliveryAttempt(open, "delivered", NOW + 5)).toMatchObject({ openUntil: undefined, due: NOW + 5 });
    const nothing = { ...open, parkedFrom: undefined, due: undefined };
    expect(afterDeliveryAttempt(nothing, "delivered", NOW + 5)!.due).toBeUndefined();
  });

  it("an endpoint that is disabled is not due and keeps what is parked", () => {
    expect(afterDeliveryAttempt(open, "gone", NOW)).toMatchObject({ parkedFrom: open.parkedFrom, due: undefined });
    const at = NOW + DISABLE_AFTER_FAILING_MS;
    expect(afterDeliveryAttempt(open, "failed", at)).toMatchObject({ parkedFrom: open.parkedFrom, due: undefined });
    expect(beginRecovery({ ...open, disabledAt: NOW }, "rpl_1", at)).toMatchObject({
      due: undefined,
      parkedFrom: open.parkedFrom,
    });
  });

  it("a recovery begins when the breaker lets a trial pass: from then on nothing is parked", () => {
    expect(beginRecovery(open, "rpl_1", open.openUntil! - 1)).toMatchObject({
      due: open.openUntil,
      parkedFrom: open.parkedFrom,
    });
    const begun = beginRecovery(open, "rpl_1", open.openUntil!);
    expect(begun).toMatchObject({ recoverFrom: open.parkedFrom, recovery: "rpl_1", due: open.openUntil });
    expect(isParking(begun, { createdAt: NOW })).toBe(false);
    expect(endRecoveryStart(begun)).toMatchObject({ recoverFrom: undefined, due: undefined, recovery: "rpl_1" });
    // The breaker has opened again meanwhile.
    expect(endRecoveryStart({ ...begun, parkedFrom: 7, due: NOW + hour })).toMatchObject({
      parkedFrom: 7,
      due: NOW + hour,
    });
  });

  it("another URL closes the breaker and sends what is parked", () => {
    expect(withClosedBreaker(open, NOW + 1)).toMatchObject({ openUntil: undefined, opens: undefined, due: NOW + 1 });
    expect(withClosedBreaker({ ...open, parkedFrom: undefined, recoverFrom: 3 }, NOW + 1).due).toBe(NOW + 1);
  });

  it("what a recovery has not sent is taken back, and the earlier start counts", () => {
    const disabled = { ...endpoint, disabledAt: NOW };
    expect(takeBackParked(disabled, 9, NOW)).toMatchObject({ parkedFrom: 9, due: undefined });
    expect(takeBackParked({ ...disabled, parkedFrom: 4 }, 9, NOW).parkedFrom).toBe(4);
    // The app has enabled the endpoint meanwhile.
    expect(takeBackParked(endpoint, 9, NOW)).toMatchObject({ parkedFrom: 9, due: NOW });
  });
});
