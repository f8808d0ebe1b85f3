import { describe, expect, it } from "vitest";
import { LookupError, OutboundError } from "./port.ts";

describe("LookupError", () => {
  it("a look-up error is unauthorized only if the vendor rejected the key", () => {
    expect(new LookupError("timed out").unauthorized).toBe(false);
    expect(new LookupError("401", { unauthorized: true }).unauthorized).toBe(true);
  });

  it("a look-up error keeps its name, message and cause", () => {
    const cause = new Error("reset");
    expect(new LookupError("gone", { cause })).toMatchObject({ name: "LookupError", message: "gone", cause });
  });
});

describe("OutboundError", () => {
  it.each(["forbidden", "unreachable"] as const)("an outbound error has the kind %s and keeps its cause", (kind) => {
    const cause = new Error("DNS");
    const error = new OutboundError(kind, "no address", { cause });
    expect(error).toMatchObject({ name: "OutboundError", kind, message: "no address", cause });
    expect(error).toBeInstanceOf(Error);
  });
});
