import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode, FAILURES, failure, isVendorLoss, MjflowError, type Retry } from "./error.ts";

const KINDS = Object.entries(ERRORS) as [ErrorCode, { status: number; title: string; retry: Retry; advice: string }][];
/** Rejections of valid requests whose cause ends by itself. The other codes need a change by the caller or operator. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "write_conflict",
  "idempotency_in_flight",
  "rate_limited",
  "too_many_flows",
  "too_many_presses",
  "too_many_uploads",
  "too_many_streams",
  "too_many_reads",
]);

describe("MjflowError and its codes", () => {
  it.each(KINDS)("the error %s has status, title, advice and retry", (code, { status, title, retry, advice }) => {
    const error = new MjflowError(code, { field: "then[1].press", extra: { offered: [] } });
    expect(error).toMatchObject({
      code,
      status,
      retry,
      message: title,
      field: "then[1].press",
      extra: { offered: [] },
    });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("MjflowError");
    expect(title).toMatch(/^[A-Z].*\w$/);
    expect(advice).toMatch(/^[A-Z].*\.$/);
  });

  it.each(KINDS)("the error %s is retried only if its cause can end by itself", (code, { status, retry }) => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    if (status < 500 && !PASSING.has(code)) expect(retry).toBe("never");
    else if (typeof retry === "object") expect(retry.afterMs).toBeGreaterThan(0);
    else expect(retry).toBe("later");
  });

  it("the error overloaded asks for a pause of one second before the retry", () => {
    expect(new MjflowError("overloaded").retry).toEqual({ afterMs: 1_000 });
  });

  it("an error keeps the given cause, and the given detail is its message", () => {
    const cause = new Error("disk");
    expect(new MjflowError("overloaded", { detail: "Later.", cause })).toMatchObject({ message: "Later.", cause });
  });

  it("an error without options has no field, no cause and an empty extra", () => {
    const error = new MjflowError("not_found");
    expect([error.extra, error.field, error.cause]).toEqual([{}, undefined, undefined]);
  });
});

describe("isVendorLoss", () => {
  const lost = ["provider_missing", "vendor_unauthorized", "vendor_out_of_money"];

  it.each(Object.keys(FAILURES) as (keyof typeof FAILURES)[])(
    "the failure %s is a vendor loss only for a missing vendor, a rejected key or an account without money",
    (code) => {
      expect(isVendorLoss({ code })).toBe(lost.includes(code));
    },
  );
});

describe("failure", () => {
  it.each(Object.entries(FAILURES))("the message of %s is a sentence for a person", (_, message) => {
    expect(message).toMatch(/^[A-Z].*\.$/);
  });

  it("a failure has the default message of its code, unless a message that is not empty is given", () => {
    expect(failure("vendor_busy")).toEqual({ code: "vendor_busy", message: FAILURES.vendor_busy });
    expect(failure("vendor_busy", { message: "" }).message).toBe(FAILURES.vendor_busy);
    expect(failure("vendor_busy", { message: "x", offered: ["U1"] })).toEqual({
      code: "vendor_busy",
      message: "x",
      offered: ["U1"],
    });
  });
});
