import { describe, expect, it } from "vitest";
import { hour, NOW } from "../test/sample.ts";
import {
  activeSecrets,
  afterDeliveryAttempt,
  combinedEventMask,
  DISABLE_AFTER_FAILING_MS,
  type Endpoint,
  endpointIdOf,
  isEnabled,
  SECRET_OVERLAP_MS,
  subscribedEvents,
  withRotatedSecret,
} from "./endpoint.ts";
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

it("an endpoint's id is made of time and chance, as a flow's is", () => {
  expect(endpointIdOf(NOW, new Uint8Array(10).fill(255))).toMatch(/^ep_[0-9A-Z]{10}Z{16}$/);
});

it("a day's overlap is the rule, and five days of nothing but failures the end", () => {
  expect([SECRET_OVERLAP_MS, DISABLE_AFTER_FAILING_MS]).toEqual([24 * hour, 120 * hour]);
});

describe("what an endpoint hears", () => {
  it("is everything but progress, unless it chose", () => {
    expect(subscribedEvents(endpoint)).toBe(DEFAULT_EVENTS);
    expect(subscribedEvents({ events: ["task.progress"] })).toEqual(["task.progress"]);
  });

  it("is heard by an app whose endpoints together listen for it, those switched off or without an address aside", () => {
    const progress: Endpoint = { ...endpoint, events: ["task.progress"] };
    const modal: Endpoint = { ...endpoint, events: ["task.modal"] };
    expect(combinedEventMask([progress, modal])).toBe(eventMaskOf(["task.progress", "task.modal"]));
    expect(combinedEventMask([{ ...progress, disabledAt: NOW }, modal])).toBe(eventMaskOf(["task.modal"]));
    expect(combinedEventMask([{ ...progress, url: undefined }, modal])).toBe(eventMaskOf(["task.modal"]));
    expect(combinedEventMask([])).toBe(0);
  });
});

describe("secrets", () => {
  const old: Endpoint = { ...endpoint, secrets: [{ sealed: "b" }, { sealed: "a", until: NOW + 5 }] };
  const sealed = (of: { sealed: string }[]) => of.map((secret) => secret.sealed);

  it("before the newest sign until their time has run out", () => {
    expect(sealed(activeSecrets(old, NOW + 4))).toEqual(["b", "a"]);
    expect(sealed(activeSecrets(old, NOW + 5))).toEqual(["b"]);
  });

  it("rotated: the new one signs first, the one before it for the overlap, none longer than it had", () => {
    const next = withRotatedSecret(old, "c", "whpk_c", NOW, hour);
    expect(next).toEqual({
      ...endpoint,
      publicKey: "whpk_c",
      secrets: [{ sealed: "c" }, { sealed: "b", until: NOW + hour }, { sealed: "a", until: NOW + 5 }],
    });
  });

  it("rotated without overlap: what a leaked one signs is worth nothing at once", () => {
    expect(withRotatedSecret(old, "c", undefined, NOW, 0).secrets).toEqual([{ sealed: "c" }]);
  });

  it("rotated again and again are three at most", () => {
    const often = ["c", "d", "e", "f"].reduce((each, name) => withRotatedSecret(each, name, undefined, NOW, hour), old);
    expect(sealed(often.secrets)).toEqual(["f", "e", "d"]);
  });
});

describe("what a try teaches", () => {
  const failing: Endpoint = { ...endpoint, failingSince: NOW };

  it("a success clears the slate, and says nothing where it was clear", () => {
    expect(afterDeliveryAttempt(failing, "delivered", NOW + 1)).toEqual({ ...endpoint, failingSince: undefined });
    expect(afterDeliveryAttempt(endpoint, "delivered", NOW)).toBeUndefined();
  });

  it("the first failure starts the clock; five days of nothing else switch it off", () => {
    expect(afterDeliveryAttempt(endpoint, "failed", NOW)).toEqual(failing);
    expect(afterDeliveryAttempt(failing, "failed", NOW + DISABLE_AFTER_FAILING_MS - 1)).toBeUndefined();
    const at = NOW + DISABLE_AFTER_FAILING_MS;
    expect(afterDeliveryAttempt(failing, "failed", at)).toEqual({ ...failing, disabledAt: at, disabledWhy: "failing" });
  });

  it("one that wants nothing more is switched off at once", () => {
    expect(afterDeliveryAttempt(endpoint, "gone", NOW)).toEqual({ ...endpoint, disabledAt: NOW, disabledWhy: "gone" });
  });

  it("one that is off stays as it was switched off", () => {
    expect([isEnabled(endpoint), isEnabled(disabled)]).toEqual([true, false]);
    for (const tried of ["gone", "failed"] as const)
      expect(afterDeliveryAttempt(disabled, tried, NOW + 1)).toBeUndefined();
  });
});
