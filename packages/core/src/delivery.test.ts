import { describe, expect, it } from "vitest";
import { FLOW, hour, minute, NOW, second } from "../test/sample.ts";
import {
  abandonDelivery,
  attemptTimeoutMs,
  BUS_LISTENER,
  claimDelivery,
  DELIVERY_LEASE_MS,
  type Delivery,
  type DeliveryKey,
  deliveryIdOf,
  FLOW_HOOK_LISTENER,
  isDelivered,
  isEndpointId,
  isGone,
  MJ_HOOK_LISTENER,
  newDelivery,
  parseDeliveryId,
  postponeAttempt,
  postponeOverdue,
  RETRY_SCHEDULE_MS,
  recordAttempt,
  restartDelivery,
} from "./delivery.ts";
import { type PostOutcome, SECRET_UNREADABLE } from "./port.ts";
import { TIMINGS } from "./timing.ts";

const ENDPOINT = `ep_${FLOW.slice("flow_".length)}`;
const OVERDUE = 30 * second;
const key: DeliveryKey = { flowId: FLOW, subject: "0-2", name: "completed", listener: ENDPOINT };
const made = newDelivery({ ...key, appId: "app_a", type: "task.completed", happenedAt: NOW - 1 }, NOW);
/** A delivery whose lease has ended, so that a worker may claim an attempt. */
const open: Delivery = { ...made, leaseUntil: undefined, due: NOW };

const answered = (status: number, more: { retryAfterMs?: number; abort?: boolean } = {}): PostOutcome => ({
  kind: "answered",
  status,
  body: "",
  tookMs: 12,
  ...more,
});
const unreachable: PostOutcome = { kind: "unreachable", why: "reset", tookMs: 7 };
const forbidden: PostOutcome = { kind: "forbidden", why: "loopback" };

describe("delivery ids", () => {
  it.each<DeliveryKey>([
    key,
    { ...key, subject: "flow", name: "failed", listener: "hook" },
    { ...key, subject: "0", name: "progress-31", listener: "bus" },
    { ...key, subject: "0-mX7", name: "modal", listener: "mj" },
  ])("the id of $subject $name $listener parses back to its parts", (each) => {
    expect(deliveryIdOf(each)).toBe(`dlv_${FLOW.slice(5)}_${each.subject}_${each.name}_${each.listener}`);
    expect(parseDeliveryId(deliveryIdOf(each))).toEqual(each);
  });

  it.each([
    { subject: "1-2" },
    { subject: "flows" },
    { subject: "0_2" },
    { name: "" },
    { name: "Completed" },
    { name: "progress-" },
    { name: "progress-1000" },
    { name: "progress-x" },
    { listener: "ep_x" },
    { listener: "hooks" },
    { flowId: "flow_x" },
    { flowId: FLOW.toLowerCase() },
  ])("an id with the invalid part %j is not parsed", (wrong) => {
    expect(parseDeliveryId(deliveryIdOf({ ...key, ...wrong }))).toBeUndefined();
  });

  it("the subscribers that are not endpoints are hook, bus and mj", () => {
    expect([FLOW_HOOK_LISTENER, BUS_LISTENER, MJ_HOOK_LISTENER]).toEqual(["hook", "bus", "mj"]);
  });

  it("an id with additional characters is not parsed", () => {
    const id = deliveryIdOf({ ...key, listener: "hook" });
    for (const text of ["", `x${id}`, `${id}x`, `${id}\n`]) expect(parseDeliveryId(text), text).toBeUndefined();
  });
});

describe("a new delivery", () => {
  it("a new delivery is leased to its creator, and its due time is the end of the lease", () => {
    expect(made).toEqual({
      ...key,
      appId: "app_a",
      type: "task.completed",
      happenedAt: NOW - 1,
      rev: 0,
      status: "pending",
      tries: 0,
      attempts: [],
      createdAt: NOW,
      leaseUntil: NOW + DELIVERY_LEASE_MS,
      due: NOW + DELIVERY_LEASE_MS,
    });
  });

  it("the lease is longer than the timeout of an attempt", () => {
    expect(DELIVERY_LEASE_MS).toBe(45 * second);
    expect(attemptTimeoutMs({ tries: 1 }, TIMINGS)).toBe(15 * second);
  });

  it("the first attempt has a timeout of 3 s, and every later one of 15 s", () => {
    const timeouts = RETRY_SCHEDULE_MS.map((_, tries) => attemptTimeoutMs({ tries }, TIMINGS) / second);
    expect(timeouts).toEqual([3, ...Array.from({ length: 9 }, () => 15)]);
  });

  it("the first attempt is never longer than the later ones, whatever is set", () => {
    const set = { webhookFirstMs: 20 * second, webhookMs: 5 * second };
    expect(attemptTimeoutMs({ tries: 0 }, set)).toBe(5 * second);
  });

  it("a replay starts with the short timeout again", () => {
    const failed = recordAttempt(made, { kind: "unreachable", why: "timeout", tookMs: 3 * second }, NOW, 0).delivery;
    expect(attemptTimeoutMs(failed, TIMINGS)).toBe(15 * second);
    expect(attemptTimeoutMs(restartDelivery(failed, NOW), TIMINGS)).toBe(3 * second);
  });
});

describe("claiming a delivery", () => {
  it("a claim sets the lease, and a second claim fails until the lease ends", () => {
    const claimed = claimDelivery(open, NOW)!;
    expect(claimed).toEqual({ ...open, leaseUntil: NOW + DELIVERY_LEASE_MS });
    expect(claimDelivery(claimed, NOW + DELIVERY_LEASE_MS - 1)).toBeUndefined();
    expect(claimDelivery(claimed, NOW + DELIVERY_LEASE_MS)).toBeDefined();
  });

  it("a claim fails before the attempt is due, which is 30 seconds before the due time", () => {
    const later = { ...open, due: NOW + OVERDUE + 5 };
    expect([4, 5].map((ms) => claimDelivery(later, NOW + ms) !== undefined)).toEqual([false, true]);
  });

  it("a claim of an ended delivery fails", () => {
    for (const status of ["delivered", "failed"] as const)
      expect(claimDelivery({ ...open, status }, NOW)).toBeUndefined();
  });

  it("a pending delivery without due time and lease can be claimed", () => {
    expect(claimDelivery({ ...open, due: undefined }, NOW)).toBeDefined();
  });
});

describe("recording a delivery attempt", () => {
  it.each([200, 202, 204, 299])("an attempt with response %i is a success", (status) => {
    const { delivery, nextMs } = recordAttempt(
      { ...open, failure: "earlier", leaseUntil: NOW },
      answered(status),
      NOW,
      0,
    );
    expect(delivery).toMatchObject({ status: "delivered", tries: 1, endedAt: NOW });
    expect([delivery.due, delivery.failure, delivery.leaseUntil, nextMs]).toEqual(Array(4).fill(undefined));
    expect(isDelivered(answered(status))).toBe(true);
  });

  it.each([100, 199, 300, 301, 400, 404, 500])("an attempt with response %i is repeated", (status) => {
    const { delivery, nextMs } = recordAttempt(open, answered(status), NOW, 0);
    expect(delivery).toMatchObject({ status: "pending", tries: 1, due: NOW + nextMs! + OVERDUE });
    expect([delivery.leaseUntil, delivery.endedAt, delivery.failure]).toEqual(Array(3).fill(undefined));
    expect([isDelivered(answered(status)), isGone(answered(status))]).toEqual([false, false]);
  });

  it("an attempt without a response is repeated", () => {
    expect(recordAttempt(open, unreachable, NOW, 0)).toMatchObject({
      delivery: { status: "pending" },
      nextMs: 5 * second,
    });
    expect(isDelivered(unreachable)).toBe(false);
  });

  it("each attempt is stored with its time and its status or reason", () => {
    expect(recordAttempt(open, answered(503), NOW, 0).delivery.attempts).toEqual([
      { at: NOW, status: 503, tookMs: 12 },
    ]);
    expect(recordAttempt(open, unreachable, NOW, 0).delivery.attempts).toEqual([{ at: NOW, why: "reset", tookMs: 7 }]);
    expect(recordAttempt(open, forbidden, NOW, 0).delivery.attempts).toStrictEqual([{ at: NOW, why: "loopback" }]);
  });

  const bodyOf = (body: string) =>
    recordAttempt(open, { kind: "answered", status: 500, body, tookMs: 12 }, NOW, 0).delivery.attempts[0]!.body;

  it("an attempt has the first 256 characters of the response body, and none for an empty one", () => {
    expect(bodyOf("no such route")).toBe("no such route");
    expect(bodyOf("x".repeat(256))).toBe("x".repeat(256));
    expect(bodyOf(`${"x".repeat(256)}y`)).toBe("x".repeat(256));
    expect(["", " \n"].map(bodyOf)).toEqual([undefined, undefined]);
  });

  it("control characters of a response body become spaces, and half a pair of surrogates is replaced", () => {
    expect(bodyOf("a\r\nb\u0000c\u001b[31md\u007fe\u009bf")).toBe("a  b c [31md e f");
    expect(bodyOf(`${"x".repeat(255)}🛶`)).toBe(`${"x".repeat(255)}\ufffd`);
  });

  it.each(["€", "\u0000", '"', "\\", "\ud800", "🛶"])(
    "twelve bodies of %j take at most 9,216 bytes of the row",
    (text) => {
      const attempts = Array.from({ length: 12 }, () => JSON.stringify(bodyOf(text.repeat(4_096)) ?? "").slice(1, -1));
      expect(Buffer.byteLength(attempts.join(""))).toBeLessThanOrEqual(9_216);
    },
  );

  it("only the newest 12 attempts are stored", () => {
    const attempts = Array.from({ length: 12 }, (_, i) => ({ at: i, status: 500 }));
    const kept = recordAttempt({ ...open, attempts }, answered(500), NOW, 0).delivery.attempts;
    expect(kept.map(({ at }) => at)).toEqual([...attempts.slice(1).map(({ at }) => at), NOW]);
  });
});

describe("pauses between delivery attempts", () => {
  const pauses = (chance: number, outcome = answered(500)) => {
    const found: number[] = [];
    for (let delivery = open; ; ) {
      const next = recordAttempt(delivery, outcome, NOW, chance);
      if (next.nextMs === undefined) return { found, last: next.delivery };
      found.push(next.nextMs);
      delivery = next.delivery;
    }
  };

  it("the pauses are those of Standard Webhooks, with ten attempts over three days", () => {
    const { found, last } = pauses(0);
    expect(found).toEqual([
      5 * second,
      5 * minute,
      30 * minute,
      ...[2, 5, 10, 14, 20, 24].map((hours) => hours * hour),
    ]);
    expect(RETRY_SCHEDULE_MS).toEqual([0, ...found]);
    expect(last).toMatchObject({ status: "failed", failure: "exhausted", tries: 10, endedAt: NOW });
    expect([last.due, last.leaseUntil]).toEqual([undefined, undefined]);
  });

  it("the jitter adds up to a tenth to each pause", () => {
    expect(pauses(1).found).toEqual(pauses(0).found.map((ms) => Math.round(ms * 1.1)));
  });

  it("Retry-After makes a pause longer, up to one day, and never shorter", () => {
    const first = (retryAfterMs: number) => recordAttempt(open, answered(429, { retryAfterMs }), NOW, 0).nextMs;
    expect([0, 6_000, 24 * hour, 100 * hour].map(first)).toEqual([5_000, 6_000, 24 * hour, 24 * hour]);
  });
});

describe("permanent failures of a delivery", () => {
  const progress: Delivery = { ...open, name: "progress-31", type: "task.progress" };

  it.each([
    ["forbidden_address", open, forbidden],
    ["endpoint_gone", open, answered(410)],
    ["aborted_by_receiver", open, answered(500, { abort: true })],
    ["superseded", progress, answered(500)],
    ["superseded", progress, unreachable],
    ["forbidden_address", progress, forbidden],
  ])("there is no further attempt after the failure %s", (failure, delivery, outcome) => {
    const { delivery: after, nextMs } = recordAttempt(delivery, outcome, NOW, 0);
    expect(after).toMatchObject({ status: "failed", failure, endedAt: NOW });
    expect([after.due, after.leaseUntil, nextMs]).toEqual([undefined, undefined, undefined]);
  });

  it("a secret that cannot be decrypted has its own reason in each attempt and at the end", () => {
    const unsigned: PostOutcome = { kind: "unsigned", why: SECRET_UNREADABLE };
    const first = recordAttempt(open, unsigned, NOW, 0);
    expect(first.delivery.status).toBe("pending");
    expect(first.delivery.attempts).toStrictEqual([{ at: NOW, why: "secret_unreadable" }]);
    expect(first.nextMs).toBe(5_000);
    const last = recordAttempt({ ...open, tries: 9 }, unsigned, NOW, 0).delivery;
    expect(last).toMatchObject({ status: "failed", failure: "secret_unreadable", endedAt: NOW });
  });

  it("only the response 410 means that the endpoint is gone", () => {
    expect([answered(410), answered(404), unreachable, forbidden].map(isGone)).toEqual([true, false, false, false]);
  });

  it("an abandoned delivery has failed without an attempt", () => {
    const given = abandonDelivery({ ...open, leaseUntil: NOW }, "endpoint_disabled", NOW + 3);
    expect(given).toMatchObject({ status: "failed", failure: "endpoint_disabled", endedAt: NOW + 3, tries: 0 });
    expect([given.due, given.leaseUntil]).toEqual([undefined, undefined]);
  });
});

describe("replay", () => {
  it("a replayed delivery starts again under the same id and keeps its stored attempts", () => {
    const failed = abandonDelivery(
      { ...recordAttempt(open, answered(500), NOW, 0).delivery, tries: 10 },
      "exhausted",
      NOW,
    );
    const again = restartDelivery(failed, NOW + hour);
    expect(again).toMatchObject({ ...key, status: "pending", tries: 0, attempts: failed.attempts });
    expect([again.failure, again.endedAt, again.leaseUntil]).toEqual([undefined, undefined, undefined]);
    expect(again.due).toBe(NOW + hour + OVERDUE);
    expect(claimDelivery(again, NOW + hour)).toBeDefined();
  });
});

describe("overdue deliveries", () => {
  it("a postponed delivery becomes due again, in case its second message is lost too", () => {
    expect(postponeOverdue(open, NOW + 9)).toEqual({ ...open, leaseUntil: NOW + 9, due: NOW + 9 + OVERDUE });
  });

  it("a worker whose clock is slow can claim once its clock reaches the time of the first sweep", () => {
    const behind = 10 * minute;
    const [first, second, third] = [NOW, NOW + minute, NOW + 10 * minute];
    const waiting = recordAttempt(open, answered(500), NOW - minute, 0).delivery;
    let swept = postponeOverdue(waiting, first);
    expect(claimDelivery(swept, first - behind)).toBeUndefined();
    swept = postponeOverdue(swept, second);
    expect(claimDelivery(swept, second - behind)).toBeUndefined();
    swept = postponeOverdue(swept, third);
    expect(claimDelivery(swept, third - behind)).toBeDefined();
  });

  it("a delivery whose worker crashed can be claimed when its lease ends, however often it is swept", () => {
    const leased = claimDelivery(open, NOW)!;
    const swept = postponeOverdue(leased, leased.leaseUntil! + 1);
    expect(claimDelivery(swept, leased.leaseUntil! - 1)).toBeUndefined();
    expect(claimDelivery(swept, leased.leaseUntil!)).toBeDefined();
  });
});

describe("postponed attempts", () => {
  const made = newDelivery(
    {
      flowId: FLOW,
      subject: "0",
      name: "completed",
      listener: "hook",
      appId: "app_a",
      type: "task.completed",
      happenedAt: NOW,
    },
    NOW,
  );

  it("a postponed attempt can be claimed from the given time, and counts as no attempt", () => {
    const postponed = postponeAttempt(made, NOW + 30 * second, NOW);
    expect(postponed).toMatchObject({ status: "pending", tries: 0, due: NOW + 30 * second });
    expect(claimDelivery(postponed, NOW + 30 * second - 1)).toBeUndefined();
    expect(claimDelivery(postponed, NOW + 30 * second)).toBeDefined();
  });

  it("the pause of a postponed attempt is half the age of the delivery", () => {
    const now = made.createdAt + 2 * hour;
    expect(postponeAttempt(made, now, now).due).toBe(now + hour);
  });

  it("only the id of an endpoint is one, and not the name of another subscriber", () => {
    expect(["ep_1", "hook", "bus", "mj", "x_ep_"].map(isEndpointId)).toEqual([true, false, false, false, false]);
  });

  it("a receiver that is down for five days moves a delivery at most 50 times", () => {
    let delivery = made;
    let moves = 0;
    for (let now = NOW; now < NOW + 120 * hour; now = delivery.due!) {
      delivery = postponeAttempt(delivery, now + 10 * minute, now);
      moves++;
    }
    expect(moves).toBeLessThanOrEqual(50);
  });
});
