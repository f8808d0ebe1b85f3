import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode, FAILURES, failure, isVendorLoss, MjflowError, type Retry } from "./error.ts";

const KINDS = Object.entries(ERRORS) as [ErrorCode, { status: number; title: string; retry: Retry; advice: string }][];
/** The request was right and the time was not. */
const PASSING = new Set([409, 429]);

describe("errors by consequence", () => {
  it.each(KINDS)("%s says its status, whether to retry, and what to do", (code, { status, title, retry, advice }) => {
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

  it.each(KINDS)("%s: an app's own mistake is not worth repeating, what may pass is", (_, { status, retry }) => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    if (status < 500 && !PASSING.has(status)) expect(retry).toBe("never");
    else if (typeof retry === "object") expect(retry.afterMs).toBeGreaterThan(0);
    else expect(retry).toBe("later");
  });

  it("a busy table says how long to wait", () => {
    expect(new MjflowError("overloaded").retry).toEqual({ afterMs: 1_000 });
  });

  it("keeps its cause and speaks in the given words", () => {
    const cause = new Error("disk");
    expect(new MjflowError("overloaded", { detail: "Later.", cause })).toMatchObject({ message: "Later.", cause });
  });

  it("has nothing to add unless given", () => {
    const error = new MjflowError("not_found");
    expect([error.extra, error.field, error.cause]).toEqual([{}, undefined, undefined]);
  });
});

describe("a vendor is lost", () => {
  const lost = ["provider_missing", "vendor_unauthorized", "vendor_out_of_money"];

  it.each(Object.keys(FAILURES) as (keyof typeof FAILURES)[])("or not: %s", (code) => {
    expect(isVendorLoss({ code })).toBe(lost.includes(code));
  });
});

describe("a failure", () => {
  it.each(Object.entries(FAILURES))("%s is a sentence for a person", (_, message) => {
    expect(message).toMatch(/^[A-Z].*\.$/);
  });

  it("has words of its own unless better ones are given", () => {
    expect(failure("vendor_busy")).toEqual({ code: "vendor_busy", message: FAILURES.vendor_busy });
    expect(failure("vendor_busy", { message: "" }).message).toBe(FAILURES.vendor_busy);
    expect(failure("vendor_busy", { message: "x", offered: ["U1"] })).toEqual({
      code: "vendor_busy",
      message: "x",
      offered: ["U1"],
    });
  });
});
